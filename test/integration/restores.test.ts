import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { browsersUnder } from '../helpers/processes.ts';
import { SeededRandom } from '../helpers/random.ts';
import { RestoreScene, type SceneSession } from '../helpers/restore-scene.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

const A: SceneSession = { workspace: '7', session: 'a', phone: '491700000071' };
const B: SceneSession = { workspace: '7', session: 'b', phone: '491700000072' };
const C: SceneSession = { workspace: '8', session: 'c', phone: '491700000081' };
const FRIEND = '491700000099';
/** Kills in a row. */
const ROUNDS = Number(process.env['ROUNDS'] ?? 4);
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

/** Sessions that are linked and ready, and a backup of them. */
async function scene(sessions: readonly SceneSession[]): Promise<RestoreScene> {
  const made = await RestoreScene.start(await temporaryDirectory());
  onTestFinished(() => made.close());
  for (const session of sessions) await made.link(session);
  expect(await made.service?.run()).toMatchObject({ state: 'done', failed: 0 });
  return made;
}

/** The states and events of a device as the emulated server tells them. */
async function eventsOf({ whatsapp }: RestoreScene): Promise<string[]> {
  const { log } = await whatsapp.get<{ log: { event: string }[] }>('/log');
  return log.map(({ event }) => event);
}

async function textsOf(made: RestoreScene, of: SceneSession): Promise<string[]> {
  const answer = await made.ask(of, 'GET', `/chats/${FRIEND}@c.us/messages`);
  if (!answer.ok) return [];
  const { messages } = (await answer.json()) as { messages: { body?: string; text?: string }[] };
  return messages.map(({ body, text }) => body ?? text ?? '');
}

describe('a restore with real browsers', () => {
  it('brings everything back after the share was wiped under the running fleet: no QR, messages go on, and what was acknowledged since does not come again', async () => {
    const made = await scene([A, B, C]);
    await made.whatsapp.post('/deliver', { phone: A.phone, from: FRIEND, body: 'after the backup' });
    await eventually(async () => (await textsOf(made, A)).includes('after the backup'));
    await eventually(async () => (await eventsOf(made)).includes('stored'));
    await made.wipe();
    const ended = await made.ended(await made.restore({}));
    expect(ended.sessions.map(({ state, error }) => ({ state, error }))).toEqual(
      [A, B, C].map(() => ({ state: 'restored', error: null })),
    );
    for (const session of [A, B, C]) await made.ready(session);
    const events = await eventsOf(made);
    expect(events).toContain('rollback');
    await made.whatsapp.post('/deliver', { phone: A.phone, from: FRIEND, body: 'after the restore' });
    await eventually(async () => (await textsOf(made, A)).includes('after the restore'), 60_000);
    expect(await textsOf(made, A)).not.toContain('after the backup');
    // Each session has one browser, and its owner is on the storage again.
    expect((await browsersUnder(made.sessionPath)).length).toBe(3);
  }, 240_000);

  it('stops nothing but what it restores', async () => {
    const made = await scene([A, B]);
    const before = await made.detail(B);
    const ask = (body: object) => made.service?.ask('POST', '/api/restores', body);
    expect(await ask({ dry_run: true, session_id: 'a' })).toMatchObject({
      status: 200,
      body: {
        id: null,
        state: 'planned',
        sessions: [{ session_id: 'a', status: 'ready', action: 'replace' }],
      },
    });
    expect(await ask({ session_id: 'aa' })).toMatchObject({
      status: 404,
      body: { code: 'backup_not_found' },
    });
    expect(await ask({ at: '2020-01-01T00:00:00Z' })).toMatchObject({ status: 404 });
    expect(await ask({ at: 'yesterday' })).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    const ended = await made.ended(await made.restore({ session_id: 'a' }));
    expect(ended.state).toBe('done');
    await made.ready(A);
    expect(await made.detail(B)).toMatchObject({
      status: 'ready',
      connected_at: before?.connected_at,
      reconnects: before?.reconnects,
    });
    const { status } = (await made.service?.ask('POST', `/api/restores/${ended.id}/undo`)) ?? {};
    expect(status).toBe(202);
    expect((await made.ended(ended.id ?? '')).state).toBe('undone');
    await made.ready(A);
  }, 240_000);

  it('brings everything back into an empty share, with no Redis data and a new instance', async () => {
    const made = await scene([A, B, C]);
    await made.lose();
    await made.startInstance();
    const ended = await made.ended(await made.restore({}));
    expect(ended.sessions.map(({ state, action }) => `${state} ${action}`)).toEqual(
      [A, B, C].map(() => 'restored create'),
    );
    for (const session of [A, B, C]) await made.ready(session);
    expect((await browsersUnder(made.sessionPath)).length).toBe(3);
  }, 240_000);

  it(`comes to its end though its service and its instance are killed at any moment of it (SEED=${SEED})`, async () => {
    const random = new SeededRandom(SEED);
    const made = await scene([A, B]);
    for (let round = 1; round <= ROUNDS; round += 1) {
      const id = await made.restore({});
      const about = `SEED=${SEED}, round ${round}`;
      await new Promise((resolve) => setTimeout(resolve, random.int(0, 1200)));
      const victim = random.oneOf(['service', 'instance', 'both'] as const);
      if (victim !== 'service') process.kill(made.instancePid, 'SIGKILL');
      if (victim !== 'instance') {
        await made.service?.kill('SIGKILL');
        await made.startService();
      }
      const ended = await made.ended(id);
      expect(
        ended.sessions.map(({ state, error }) => ({ state, error })),
        `${about}, ${victim}`,
      ).toEqual([A, B].map(() => ({ state: 'restored', error: null })));
      for (const session of [A, B]) await made.ready(session);
      expect((await browsersUnder(made.sessionPath)).length, about).toBe(2);
    }
  }, 480_000);
});
