import { createInterface } from 'node:readline';
import pMap from 'p-map';
import whatsappWebJs from 'whatsapp-web.js';
import { z } from 'zod';
import { withDeadline } from '../../../common/clock.ts';
import { readEnv } from '../../../common/env.ts';
import { runProcess } from '../../../common/lifecycle.ts';

/** Saved sessions of LocalAuth to start. */
const ordersSchema = z.object({
  sessions: z.array(z.object({ session: z.string(), dataPath: z.string() })),
  /** Browsers at one time. */
  atOnce: z.number().int().positive(),
});

/** Nothing takes so long that is going to come about, milliseconds. */
const PATIENCE = 60_000;
/** How often a page is looked at. */
const PAUSE = 250;

/**
 * Starts saved sessions with plain whatsapp-web.js, each from its LocalAuth directory as it lies there, and says of each what came of it: `ready`, `qr`, or what was
 * wrong. One line of JSON in, one line out; the sessions are closed again.
 */
await runProcess(async (signal) => {
  const { CHROMIUM = '', WHATSAPP_WEB_RESOLVE = '', WHATSAPP_WEB_SPKI = '' } = readEnv();
  process.stdout.write('{}\n');
  for await (const line of createInterface(process.stdin)) {
    if (signal.aborted) break;
    const { sessions, atOnce } = ordersSchema.parse(JSON.parse(line));
    const outcomes = await pMap(
      sessions,
      async ({ session, dataPath }) => [session, await outcomeOf(session, dataPath)] as const,
      { concurrency: atOnce },
    );
    process.stdout.write(`${JSON.stringify(Object.fromEntries(outcomes))}\n`);
  }
  return 0;

  async function outcomeOf(clientId: string, dataPath: string): Promise<string> {
    const client = new whatsappWebJs.Client({
      authStrategy: new whatsappWebJs.LocalAuth({ clientId, dataPath }),
      webVersionCache: { type: 'none' },
      puppeteer: {
        executablePath: CHROMIUM,
        args: [
          `--host-resolver-rules=MAP web.whatsapp.com:443 ${WHATSAPP_WEB_RESOLVE}`,
          `--ignore-certificate-errors-spki-list=${WHATSAPP_WEB_SPKI}`,
          ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
        ],
      },
    });
    try {
      return await withDeadline(startOf(client), PATIENCE, () => new Error('neither ready nor a QR in time'));
    } catch (error) {
      return `failed: ${String(error).slice(0, 200)}`;
    } finally {
      await client.destroy().catch(() => {});
    }
  }
});

/** Ready by the event, or by the page's own state: the library misses the event now and then, which says nothing of the profile. */
async function startOf(client: whatsappWebJs.Client): Promise<string> {
  const told = new Promise<string>((resolve) => {
    client.once('ready', () => resolve('ready'));
    client.once('qr', () => resolve('qr'));
    client.once('auth_failure', () => resolve('auth_failure'));
  });
  await client.initialize();
  const over = { told: false };
  const connected = (async () => {
    while (!over.told) {
      const state = await client.getState().catch(() => null);
      if (state === 'CONNECTED') return 'ready';
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    return 'ready';
  })();
  const outcome = await Promise.race([told, connected]);
  over.told = true;
  return outcome;
}
