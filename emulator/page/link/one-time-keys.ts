import { encodeBase64, randomBytes } from '../storage/base64.ts';
import type { Database } from '../storage/database.ts';

/** How many one-time keys are uploaded at a time. */
const UPLOAD = 30;

export function randomKeyId(): string {
  return encodeBase64(randomBytes(9));
}

/** Makes new one-time keys. They are stored before anybody hears of them. */
export async function createOneTimeKeys(database: Database): Promise<string[]> {
  const ids = Array.from({ length: UPLOAD }, randomKeyId);
  await database.write(['oneTimeKeys'], async (transaction) => {
    for (const id of ids) transaction.put('oneTimeKeys', { id });
  });
  return ids;
}

export async function storedOneTimeKeys(database: Database): Promise<string[]> {
  const records = await database.read(['oneTimeKeys'], (transaction) => transaction.getAll('oneTimeKeys'));
  return records.map(({ id }) => id);
}
