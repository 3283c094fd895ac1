import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { Exporter } from '../../../backup/export/exporter.ts';
import { StoredCatalog } from '../../../backup/manifest/stored-catalog.ts';
import { BackupsInUse } from '../../../backup/prune/backups-in-use.ts';
import { Scratch } from '../../../backup/scratch.ts';
import { systemClock } from '../../../common/clock.ts';
import { physicalRecord } from '../../fleet/profile/log-writer.ts';
import {
  aManifest,
  aSessionRecord,
  backUp,
  memoryObjects,
  objectKey,
} from '../../helpers/backed-up-session.ts';
import { aDatabase, inDatabase } from '../../helpers/database-files.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const run = promisify(execFile);
const ID = '20261122T090003Z';
const signal = new AbortController().signal;
/** More than ustar has room for in a name. */
const LONG = `Default/IndexedDB/${'deep/'.repeat(40)}${'x'.repeat(200)}`;
const files = {
  ...aDatabase(),
  [LONG]: Buffer.from('long'),
  'Default/Local Storage/leveldb/big': randomBytes(3_000_000),
};

async function exporter() {
  const { store, objects } = memoryObjects();
  const catalog = new StoredCatalog(store);
  const directory = await temporaryDirectory();
  const inUse = new BackupsInUse();
  const main = await backUp(objects, files);
  const sales = await backUp(objects, aDatabase('sales'), {
    record: aSessionRecord({ workspace_id: 'acme', session_id: 'main' }),
  });
  const unlinked = await backUp(
    objects,
    {},
    {
      record: aSessionRecord({ session_id: 'new', linked: false }),
      archive: null,
      files: 0,
      bytes: 0,
    },
  );
  await catalog.put(aManifest(ID, [main, unlinked, sales]));
  const scratch = new Scratch(join(directory, 'scratch'), systemClock);
  const parts = { catalog, objects, scratch, inUse, clock: systemClock };
  return { store, objects, main, directory, inUse, exporter: new Exporter(parts), parts };
}

/** Exports a session and unpacks it as anybody would. The directory it is in, and the tar's name. */
async function unpacked(setting: Awaited<ReturnType<typeof exporter>>, session: string, workspace?: string) {
  const to = join(setting.directory, 'unpacked');
  await mkdir(to);
  const tar = join(setting.directory, 'export.tar');
  let name = '';
  await setting.exporter.export({ backup: 'latest', workspace, session }, signal, async (made) => {
    name = made.name;
    expect([...setting.inUse.ids()]).toEqual([ID]);
    await pipeline(made.content, createWriteStream(tar));
  });
  await run('tar', ['xf', tar], { cwd: to });
  expect(await readdir(join(setting.directory, 'scratch', 'backup'))).toEqual([]);
  expect([...setting.inUse.ids()]).toEqual([]);
  return { to, name };
}

it('writes a session that tar unpacks to what LocalAuth takes', async () => {
  const setting = await exporter();
  const { to, name } = await unpacked(setting, 'main', '7');
  expect(name).toBe(`wharf-7-main-${ID}.tar`);
  expect((await readdir(to)).toSorted()).toEqual(['session-main', 'session.json']);
  expect(JSON.parse(await readFile(join(to, 'session.json'), 'utf8'))).toEqual(setting.main.record);
  for (const [path, content] of Object.entries(files))
    expect((await readFile(join(to, 'session-main', path))).equals(content), path).toBe(true);
});

it('writes the record alone of a session that was not linked', async () => {
  const { to } = await unpacked(await exporter(), 'new');
  expect(await readdir(to)).toEqual(['session.json']);
});

it('cuts off the torn end of a log, which would cost the session at its second start', async () => {
  const setting = await exporter();
  const log = inDatabase('000006.log');
  const whole = aDatabase()[log] ?? Buffer.alloc(0);
  const torn = {
    ...aDatabase(),
    [log]: Buffer.concat([whole, physicalRecord(1, randomBytes(200)).subarray(0, 90)]),
  };
  await setting.parts.catalog.put(aManifest('20261122T100003Z', [await backUp(setting.objects, torn)]));
  await setting.exporter.export(
    { backup: '20261122T100003Z', workspace: '7', session: 'main' },
    signal,
    async ({ content }) => {
      await pipeline(content, createWriteStream(join(setting.directory, 'torn.tar')));
    },
  );
  await run('tar', ['xf', 'torn.tar'], { cwd: setting.directory });
  expect(await readFile(join(setting.directory, 'session-main', log))).toEqual(whole);
});

it('says what is damaged before the first byte', async () => {
  const setting = await exporter();
  const piece = setting.main.pieces[0] ?? { sha256: '' };
  setting.store.objects.get(objectKey(piece))?.content.fill(0, 20);
  let sent = false;
  const exporting = setting.exporter.export(
    { backup: ID, workspace: '7', session: 'main' },
    signal,
    async () => {
      sent = true;
    },
  );
  await expect(exporting).rejects.toThrow(piece.sha256.slice(2));
  expect(sent).toBe(false);
  expect(await readdir(join(setting.directory, 'scratch', 'backup'))).toEqual([]);
});

it('removes what it made where whoever reads goes away', async () => {
  const setting = await exporter();
  const exporting = setting.exporter.export(
    { backup: ID, workspace: '7', session: 'main' },
    signal,
    async ({ content }) => {
      content.destroy();
      throw new Error('gone');
    },
  );
  await expect(exporting).rejects.toThrow('gone');
  expect(await readdir(join(setting.directory, 'scratch', 'backup'))).toEqual([]);
});

it.each([
  [{ backup: ID, workspace: undefined, session: 'main' }, /session main in workspaces 7, acme/],
  [{ backup: ID, workspace: '7', session: 'mian' }, /nearest there: main/],
  [
    { backup: '20261122T080003Z', workspace: '7', session: 'main' },
    /There is no backup 20261122T080003Z\. The nearest: 20261122T090003Z/,
  ],
])('names what there is where %o is not', async (request, message) => {
  const { exporter: made } = await exporter();
  await expect(made.export(request, signal, async () => {})).rejects.toThrow(message);
});
