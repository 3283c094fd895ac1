import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { EmulatedWhatsApp } from '../../helpers/emulated-whatsapp.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { emulatedWhatsApp, linkClient, watchedClient } from './quirks/setup.ts';

const PHONE = '491700000195';
const FRIEND = '491700000196';

/** A received message with this file. */
async function delivered(whatsapp: EmulatedWhatsApp, bytes: Buffer, mimetype: string, filename?: string) {
  const { serialized } = await whatsapp.post<{ serialized: string }>('/deliver', {
    phone: PHONE,
    from: FRIEND,
    data: bytes.toString('base64'),
    mimetype,
    ...(filename === undefined ? {} : { filename }),
  });
  return serialized;
}

describe('media of received messages, in a browser', () => {
  it('comes out of the page byte for byte, whatever its size', async () => {
    const whatsapp = await emulatedWhatsApp({});
    const watched = await watchedClient(whatsapp, await temporaryDirectory());
    await linkClient(whatsapp, watched, PHONE);
    for (const size of [1, 786_432, 786_433, 5_000_000]) {
      const bytes = randomBytes(size);
      const id = await delivered(whatsapp, bytes, 'application/pdf', 'bill.pdf');
      await eventually(() => watched.messages.some((message) => message.whatsapp_id === id));
      const media = await watched.client.media(id);
      expect(media).toMatchObject({ mimetype: 'application/pdf', filename: 'bill.pdf', size });
      expect((await buffer(media.stream)).equals(bytes)).toBe(true);
    }
  });
});
