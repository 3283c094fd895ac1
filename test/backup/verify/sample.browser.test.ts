import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { Exporter } from '../../../backup/export/exporter.ts';
import type { BackedUpSession, Manifest } from '../../../backup/manifest/manifest.ts';
import { StoredCatalog } from '../../../backup/manifest/stored-catalog.ts';
import { BackupsInUse } from '../../../backup/prune/backups-in-use.ts';
import { Scratch } from '../../../backup/scratch.ts';
import { Sampler } from '../../../backup/verify/sampler.ts';
import { systemClock } from '../../../common/clock.ts';
import { isTable, listNeeded } from '../../../fleet/profile/needed-files.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { aManifest, keep, memoryObjects } from '../../helpers/backed-up-session.ts';
import type { EmulatedWhatsApp } from '../../helpers/emulated-whatsapp.ts';
import { copiesOf } from '../../helpers/host-copies.ts';
import { ToldOperation } from '../../helpers/operation-handle.ts';
import type { SessionHost } from '../../helpers/session-host.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { toldDamage } from '../../helpers/told-damage.ts';
import { emulatedWhatsApp, sessionHost } from '../../instance/whatsapp/quirks/setup.ts';

const ID = '20261122T090003Z';
const PHONE = '491700000091';
const FRIEND = '491700000092';
type Stored = ReturnType<typeof memoryObjects>;

/** Backs the session of a host up while its browser runs and messages come in. */
async function backedUp(host: SessionHost, { objects }: Stored): Promise<BackedUpSession> {
  const fetched = await copiesOf(host);
  const { answer, archive } = await fetched.take();
  const { copy: _, ...session } = answer;
  const pieces = [];
  for (const piece of answer.pieces)
    pieces.push(await keep(objects, fetched.objects.get(piece.sha256) ?? Buffer.alloc(0)));
  return { ...session, archive: await keep(objects, archive), pieces, carried: null };
}

async function looked(manifest: Manifest, { objects }: Stored): Promise<string[]> {
  const operation = new ToldOperation();
  const scratch = new Scratch(await temporaryDirectory(), systemClock);
  const { damage } = toldDamage();
  await new Sampler({ objects, scratch, count: 5, damage }).look(manifest, operation);
  return operation.findings;
}

/** Unpacks an export, as anybody would, to where another host has its only session, and starts that. */
async function startsFromExport(
  whatsapp: EmulatedWhatsApp,
  session: BackedUpSession,
  { store, objects }: Stored,
): Promise<string[]> {
  const root = await temporaryDirectory();
  const exporter = new Exporter({
    catalog: new StoredCatalog(store),
    objects,
    scratch: new Scratch(join(root, 'scratch'), systemClock),
    inUse: new BackupsInUse(),
    clock: systemClock,
  });
  const tar = join(root, 'export.tar');
  const wanted = { backup: ID, workspace: '7', session: 'main' };
  await exporter.export(wanted, new AbortController().signal, ({ content }) =>
    pipeline(content, createWriteStream(tar)),
  );
  const paths = new SessionPaths(join(root, 'sessions'));
  const userData = paths.userData({ workspace: '7', session: 'main', generation: 1 });
  await mkdir(dirname(userData), { recursive: true, mode: 0o700 });
  await promisify(execFile)('tar', ['xf', tar, 'session-main'], { cwd: dirname(userData) });
  expect((await listNeeded(userData)).some(isTable)).toBe(true);
  const record = { ...session.record, generation: 1, should_run: false };
  await writeFile(paths.sessionRecord('7', 'main'), JSON.stringify(record), { mode: 0o600 });
  const host = await sessionHost(whatsapp, { root: paths.root });
  await host.granting.give('7');
  await host.manager.start('7', 'main');
  await host.reaches(host.session(), 'ready');
  await host.manager.stop('7', 'main');
  return host.history;
}

it('finds nothing in what a real browser wrote, and a real browser opens it, twice, without a QR', async () => {
  const whatsapp = await emulatedWhatsApp({ delivered_delay_ms: null });
  const host = await sessionHost(whatsapp);
  await host.linked(PHONE);
  // So much that hardly compresses makes the browser write tables too.
  for (let count = 0; count < 120; count += 1) {
    const body = `text ${count} ${randomBytes(45_000).toString('base64')}`;
    await whatsapp.post('/deliver', { phone: PHONE, from: FRIEND, body });
  }
  const stored = memoryObjects();
  const session = await backedUp(host, stored);
  await host.manager.stop('7', 'main');
  const manifest = aManifest(ID, [session]);
  await new StoredCatalog(stored.store).put(manifest);

  expect(await looked(manifest, stored)).toEqual([]);
  for (let start = 0; start < 2; start += 1)
    expect(await startsFromExport(whatsapp, session, stored)).not.toContain('main qr');
});
