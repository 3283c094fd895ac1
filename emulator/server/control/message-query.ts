import { z } from 'zod';
import { bareMessageId } from '../ids.ts';
import { phoneSchema, queryNumber } from './parts.ts';

/** What records of messages may be asked for by. */
export const messageQuerySchema = z.strictObject({
  phone: phoneSchema.optional(),
  id: z.string().max(300).optional(),
  /** Of a record's position. */
  after: queryNumber(0, Number.MAX_SAFE_INTEGER, 0),
  limit: queryNumber(1, 1_000_000, 100_000),
});

/** A message, or a message on its way to a device, in the ledger. */
interface MessageRecord {
  position: number;
  phone: string;
  id: string;
}

/** All records that were asked for, also beyond the limit. */
export function matchingRecords<Kind extends MessageRecord>(
  records: readonly Kind[],
  query: z.infer<typeof messageQuerySchema>,
  isMeant: (record: Kind) => boolean,
): Kind[] {
  const id = query.id === undefined ? undefined : bareMessageId(query.id);
  return records.filter(
    (record) =>
      record.position > query.after &&
      (query.phone === undefined || record.phone === query.phone) &&
      (id === undefined || record.id === id) &&
      isMeant(record),
  );
}
