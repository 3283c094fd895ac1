import { z } from 'zod';
import { mediaIdSchema } from './media-ids.ts';

/** Which message's media an instance is asked to keep: the query of POST `.../media` on it. */
export const receivedMediaQuerySchema = z.strictObject({
  whatsapp_id: z
    .string()
    .max(300)
    .regex(/^(true|false)_[\w.:@-]+$/, 'must be the whatsapp_id of a message'),
});

/** A file that is kept, as instances tell it and the API shows it. */
export const storedMediaSchema = z.object({
  media_id: mediaIdSchema,
  mimetype: z.string(),
  filename: z.string().nullable(),
  size: z.number().int().describe('Bytes'),
  sha256: z.string().describe('Hexadecimal'),
  stored_at: z.iso.datetime(),
});
