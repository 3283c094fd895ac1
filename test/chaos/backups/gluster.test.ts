import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { backupDetailSchema, operationSchema, restoreSchema } from '../../../fleet/backup/api.ts';
import { eventually } from '../../helpers/eventually.ts';
import { describeHosts } from '../hosts/describe-hosts.ts';
import { Fleet, INTERNAL_TOKEN } from '../real/fleet.ts';

/** A machine under load is slow; this only ends what hangs. Milliseconds. */
const PATIENCE = 600_000;

const SESSIONS = 3;

await describeHosts('backups of sessions whose profiles lie on GlusterFS', () => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await Fleet.start({ redis: 'alone', hard: false, clocks: false }, Math.random());
    await fleet.link(SESSIONS);
    await startService(fleet);
  }, PATIENCE);
  afterAll(() => fleet?.close(), PATIENCE);

  it('are made while messages come, and what a service on another host restores comes back without a QR', {
    timeout: PATIENCE,
  }, async () => {
    await sendAndReceive('before');
    const backup = await makeBackup();
    await sendAndReceive('after');
    const { count } = await fleet.whatsapp.log(0);

    let restore = restoreSchema.parse(await fleet.operate('POST', '/api/restores', { at: backup }));
    await eventually(async () => {
      restore = restoreSchema.parse(await fleet.operate('GET', `/api/restores/${restore.id}`));
      return restore.state !== 'running';
    }, PATIENCE);
    expect(restore.sessions.map(({ state, error }) => ({ state, error }))).toEqual(
      Array.from({ length: SESSIONS }, () => ({ state: 'restored', error: null })),
    );
    await fleet.allReady(PATIENCE);
    await sendAndReceive('restored');
    const { entries } = await fleet.whatsapp.log(count);
    expect(entries.filter(({ event }) => event === 'ref')).toEqual([]);
    // Each came back from what is older than what it had sent: WhatsApp has seen that.
    expect(entries.filter(({ event }) => event === 'login')).not.toEqual([]);
    await makeBackup();
  });

  async function makeBackup(): Promise<string> {
    let operation = operationSchema.parse(await fleet.operate('POST', '/api/backups'));
    await eventually(async () => {
      operation = operationSchema.parse(
        await fleet.operate('GET', `/api/backups/operations/${operation.id}`),
      );
      return operation.state !== 'running';
    }, PATIENCE);
    expect(operation).toMatchObject({ state: 'done', done: SESSIONS, failed: 0 });
    const detail = backupDetailSchema.parse(
      await fleet.operate('GET', `/api/backups/${String(operation.backup)}`),
    );
    expect(detail).toMatchObject({ state: 'complete', sessions: SESSIONS });
    expect(detail.contents.every(({ linked, archive }) => linked && archive !== null)).toBe(true);
    return detail.id;
  }

  async function sendAndReceive(text: string): Promise<void> {
    await Promise.all(
      fleet.sessions.map(async (session) => {
        await fleet.whatsapp.post('/deliver', {
          phone: session.phone,
          from: '491809999999',
          body: `${text}, to ${session.session}`,
        });
        const [router] = fleet.routers;
        if (router === undefined) throw new Error('there is no router');
        await eventually(async () => {
          const answer = await fleet.askSession(
            router,
            'POST',
            session,
            '/messages',
            { to: '491809999999', text: `${text}, from ${session.session}` },
            '&wait=30',
          );
          return answer.kind === 'answered' && answer.status === 200;
        }, PATIENCE);
      }),
    );
  }
});

/** The service on a host of its own, with a mount of its own; the backups lie on that host. */
async function startService({ world, volume, redis }: Fleet): Promise<void> {
  const host = await world.add('backup');
  const mount = await volume.mount(host);
  const store = join(host.directory, 'store');
  await mkdir(store);
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const service = await host.start('backup-service', process.execPath, [join(root, 'dist/backup/main.js')], {
    REDIS_URL: redis.url,
    WHARF_INTERNAL_TOKEN: INTERNAL_TOKEN,
    WHATSAPP_SESSION_PATH: mount.path,
    WHATSAPP_INSTANCE_COUNT: '3',
    WHARF_SCRATCH: join(host.directory, 'scratch'),
    BIND_ADDRESS: host.address,
    PORT: '3100',
    BACKUP_DIRECTORY: store,
    BACKUP_SCHEDULE: '10 0 29 2 *',
    BACKUP_JITTER: '3600000',
    LOG_LEVEL: 'info',
  });
  await service.ready(60_000);
}
