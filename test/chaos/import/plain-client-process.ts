import { setTimeout as sleep } from 'node:timers/promises';
import whatsappWebJs from 'whatsapp-web.js';
import { readEnv } from '../../../common/env.ts';
import { aborted, runProcess } from '../../../common/lifecycle.ts';

/** Between two messages, milliseconds: its databases are written to all the time. */
const PAUSE = 40;

const TELL_OF_SYNC = `{
  const { Socket } = window.require('WAWebSocketModel');
  if (Socket.hasSynced && !window.WWebJS) window.onAppStateHasSyncedEvent();
}`;

/**
 * An application of before: one plain whatsapp-web.js client with LocalAuth, with the library's own ways of starting and ending a browser. It prints its QR, then that
 * it is ready, a line of JSON each, and writes messages to a chat until it is told to end.
 */
await runProcess(async (signal) => {
  const env = readEnv();
  const client = new whatsappWebJs.Client({
    authStrategy: new whatsappWebJs.LocalAuth({
      clientId: env['PLAIN_CLIENT'] ?? '',
      dataPath: env['PLAIN_DATA'] ?? '',
    }),
    webVersionCache: { type: 'none' },
    puppeteer: {
      executablePath: env['CHROMIUM'] ?? '',
      handleSIGTERM: false,
      args: [
        `--host-resolver-rules=MAP web.whatsapp.com:443 ${env['WHATSAPP_WEB_RESOLVE']}`,
        `--ignore-certificate-errors-spki-list=${env['WHATSAPP_WEB_SPKI']}`,
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      ],
    },
  });
  const print = (line: Record<string, unknown>) => process.stdout.write(`${JSON.stringify(line)}\n`);
  client.on('qr', (qr) => print({ qr }));
  const ready = new Promise<void>((resolve) => client.once('ready', () => resolve()));
  await client.initialize();
  // The library hears of the sync only if it listens before that is over: whoever uses it has to ask the page.
  const asking = setInterval(() => client.pupPage?.evaluate(TELL_OF_SYNC).catch(() => undefined), 2000);
  await Promise.race([ready, aborted(signal)]);
  clearInterval(asking);
  print({ ready: true });
  for (let number = 1; !signal.aborted; number += 1) {
    await client.sendMessage(`${env['PLAIN_CHAT']}@c.us`, `message ${number} of the application of before`);
    if (number === 5) print({ busy: true });
    await sleep(PAUSE);
  }
  await client.destroy();
  return 0;
});
