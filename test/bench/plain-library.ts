import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import whatsappWebJs from 'whatsapp-web.js';
import { readEnv } from '../../common/env.ts';
import { runProcess } from '../../common/lifecycle.ts';
import { Phones, phoneNumber } from './support/phones.ts';

/**
 * Plain whatsapp-web.js with the library's defaults, as many clients in one process as a number on standard input says: what
 * `bench:session` compares an instance with. Only what reaches the emulator is added to the defaults.
 */
await runProcess(async (signal) => {
  const { CHROMIUM = '', RESOLVE = '', SPKI = '', CONTROL_URL = '' } = readEnv();
  const phones = new Phones(CONTROL_URL);
  const dataPath = await mkdtemp(join(tmpdir(), 'wharf-plain-'));
  const clients: whatsappWebJs.Client[] = [];
  process.stdout.write('{}\n');
  for await (const line of createInterface(process.stdin)) {
    if (signal.aborted) break;
    while (clients.length < Number(line)) clients.push(await link(clients.length));
    process.stdout.write(`${line}\n`);
  }
  await Promise.allSettled(clients.map((client) => client.destroy()));
  await rm(dataPath, { recursive: true, force: true });
  return 0;

  async function link(index: number): Promise<whatsappWebJs.Client> {
    const client = new whatsappWebJs.Client({
      authStrategy: new whatsappWebJs.LocalAuth({ clientId: String(index), dataPath }),
      webVersionCache: { type: 'none' },
      puppeteer: {
        executablePath: CHROMIUM,
        args: [
          `--host-resolver-rules=MAP web.whatsapp.com:443 ${RESOLVE}`,
          `--ignore-certificate-errors-spki-list=${SPKI}`,
          ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
        ],
      },
    });
    const ready = new Promise<void>((resolve) => client.once('ready', resolve));
    client.once('qr', (qr) => phones.scan(qr, phoneNumber(5000 + index)));
    await client.initialize();
    await ready;
    return client;
  }
});
