import { randomBytes } from 'node:crypto';
import pMap from 'p-map';
import type { EmulatedPhones } from '../../chaos/backups/emulated.ts';
import type { BackupFleet } from '../../chaos/backups/fleet.ts';

/** Of ten sessions, so many have messages in an hour; the others have none. */
const BUSY_OF_TEN = 7;
/** Messages in, and as many out, of a busy session. */
const MESSAGES = 20;
/** Every so many incoming messages one has a preview, of so many bytes. */
const PREVIEW = { every: 5, bytes: 12_000 };

/** Lets an hour's messages pass as quickly as they go, and waits until they are where they belong. Answers how many sessions had some. */
export async function anHour(fleet: BackupFleet, emulated: EmulatedPhones): Promise<number> {
  const busy = fleet.sessions.filter((_, index) => index % 10 < BUSY_OF_TEN);
  await pMap(
    busy,
    async ({ workspace, session, phone }) => {
      const friend = `49180${phone.slice(-7)}`;
      for (let number = 0; number < MESSAGES; number += 1) {
        const preview = number % PREVIEW.every === 0 ? randomBytes(PREVIEW.bytes).toString('base64') : '';
        await emulated.ask('POST', '/deliver', {
          phone,
          from: friend,
          body: `The answer to your question ${number} is on its way: ${randomBytes(30).toString('hex')} ${preview}`,
        });
        await fleet.api(
          'POST',
          `/api/whatsapp/sessions/${session}/messages?workspace_id=${workspace}&wait=60`,
          {
            to: friend,
            text: `Thank you, that was quick; here is number ${number}: ${randomBytes(30).toString('hex')}`,
          },
        );
      }
    },
    { concurrency: 8 },
  );
  await fleet.until('all messages have arrived', async () => {
    const waiting = await Promise.all(
      busy.map(async ({ phone }) =>
        Number((await emulated.ask('GET', `/delivered?phone=${phone}&limit=1`))['waiting']),
      ),
    );
    return waiting.every((count) => count === 0);
  });
  return busy.length;
}
