import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import whatsappWebJs from 'whatsapp-web.js';
import { cutFile } from '../../../fleet/backup/pieces.ts';
import { isTable, listNeeded } from '../../../fleet/profile/needed-files.ts';
import { findChromium } from '../../../instance/whatsapp/chromium.ts';
import { Phones, phoneNumber } from '../support/phones.ts';
import { startProgram } from '../support/processes.ts';

/** What real profiles come to as objects of a backup, by what it is. */
export interface Material {
  /** Tables of LevelDB and the like, whole or in pieces of 16 MiB. */
  tables: Buffer[];
  /** Pieces of logs. */
  logs: Buffer[];
  /** What is left over of each profile: the ends of logs and small files. */
  archives: Buffer[];
}

/** Histories of the linked accounts: short texts; and long ones that hardly compress, as previews of media are. */
const HISTORIES = [
  { chats: 100, messages: 200, characters: 0 },
  { chats: 100, messages: 60, characters: 1500 },
];

/** Links accounts of the emulator in browsers, lets messages come in, kills the browsers as a copy finds them: in the middle; and cuts what they wrote as a backup does. */
export async function profileMaterial(): Promise<Material> {
  const directory = await mkdtemp(join(tmpdir(), 'wharf-bench-'));
  const emulator = await startProgram('emulator/main.ts', { EMULATOR_PORT: '0', EMULATOR_CONTROL_PORT: '0' });
  try {
    const phones = new Phones(String(emulator.ready['control_url']));
    const material: Material = { tables: [], logs: [], archives: [] };
    for (const [index, history] of HISTORIES.entries()) {
      await phones.post('/config', { history });
      const userData = join(directory, `session-${index}`);
      await use(directory, index, phones, emulator.ready);
      await cut(userData, material);
    }
    return material;
  } finally {
    await emulator.stop();
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Links a client and lets 200 messages come in. */
async function use(
  dataPath: string,
  index: number,
  phones: Phones,
  { https_port: port, spki }: Record<string, unknown>,
): Promise<void> {
  const { path } = await findChromium(null, 'auto');
  const client = new whatsappWebJs.Client({
    authStrategy: new whatsappWebJs.LocalAuth({ clientId: String(index), dataPath }),
    webVersionCache: { type: 'none' },
    puppeteer: {
      executablePath: path,
      args: [
        `--host-resolver-rules=MAP web.whatsapp.com:443 127.0.0.1:${port}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`,
        `--ignore-certificate-errors-spki-list=${spki}`,
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      ],
    },
  });
  const phone = phoneNumber(9000 + index);
  const ready = new Promise<void>((resolve) => client.once('ready', resolve));
  client.once('qr', (qr) => phones.scan(qr, phone));
  await client.initialize();
  await ready;
  let seen = 0;
  const all = new Promise<void>((resolve) => {
    client.on('message', () => {
      seen += 1;
      if (seen === 200) resolve();
    });
  });
  for (let number = 0; number < 200; number++) {
    const body = `${number}: a message of a usual length, with some words in it and a link https://example.org/${number}`;
    await phones.post('/deliver', { phone, from: `49180${String(number % 20).padStart(7, '0')}`, body });
  }
  await all;
  await client.destroy();
}

async function cut(userData: string, material: Material): Promise<void> {
  const tails: Buffer[] = [];
  for (const path of await listNeeded(userData)) {
    const bytes = await readFile(join(userData, path));
    const { pieces, tail } = cutFile(path, bytes.length);
    let at = 0;
    for (const size of pieces) {
      (isTable(path) ? material.tables : material.logs).push(bytes.subarray(at, at + size));
      at += size;
    }
    if (tail > 0) tails.push(bytes.subarray(at));
  }
  material.archives.push(Buffer.concat(tails));
}
