import { mkdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WharfError } from '../../../common/errors.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import type { FakeInstance } from '../../helpers/fake-instance.ts';
import { startFleet, type TestFleet } from '../../helpers/router.ts';

let fleet: TestFleet;
let instance: FakeInstance;

/** With the real queues and the real log, which nobody but the router touches here. */
beforeEach(async () => {
  fleet = await startFleet({ holdTime: 0 });
  instance = await fleet.addInstance('instance-1', { capacity: 50 });
  await create();
});
afterEach(() => fleet.close());

const PATH = '/api/whatsapp/sessions/main';
const create = () =>
  fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 2, session_id: 'main' } });
const send = async (more = {}): Promise<string> =>
  (await fleet.ask('POST', `${PATH}/messages`, { body: { to: '491701234567', text: 'hello', ...more } })).json
    .message_id;
const stateOf = async (id: string) => (await fleet.ask('GET', `/api/whatsapp/messages/${id}`)).json;
const told = async () =>
  (await fleet.router.services.events.after('0', { types: ['message.status'] }, 250)).events.map(
    ({ event }) => event.data,
  );

describe('a session that is deleted', () => {
  it('takes its messages along: each has failed, and is told of', async () => {
    const ids = [await send(), await send({ send_at: '2027-01-01T00:00:00Z' }), await send()];
    expect((await fleet.ask('DELETE', PATH)).status).toBe(200);
    for (const id of ids) {
      expect(await stateOf(id)).toMatchObject({ status: 'failed', error: { code: 'session_deleted' } });
    }
    const events = await told();
    expect(events).toHaveLength(3);
    expect(events).toEqual(
      expect.arrayContaining(
        ids.map((message_id) => ({
          message_id,
          whatsapp_id: null,
          chat_id: '491701234567@c.us',
          status: 'failed',
          error: { code: 'session_deleted', detail: expect.any(String) },
        })),
      ),
    );
  });

  it('is deleted also while the queues are away, and a new one of its id gets none of its messages', async () => {
    const id = await send();
    const { queues } = fleet.router.services;
    const endAll = queues.endAll.bind(queues);
    queues.endAll = async () => {
      throw new WharfError('queue_unavailable', 'away');
    };
    expect((await fleet.ask('DELETE', PATH)).status).toBe(200);
    expect((await stateOf(id)).status).toBe('queued');
    queues.endAll = endAll;
    expect((await create()).status).toBe(201);
    expect((await stateOf(id)).error.code).toBe('session_deleted');
    const next = await send();
    expect((await create()).status).toBe(200);
    expect((await stateOf(next)).status).toBe('queued');
  });
});

describe('a message that was accepted for a session just as it was deleted', () => {
  const orphan = (isKnown: boolean) => [{ session: { workspace: '2', session: 'main' }, depth: 1, isKnown }];

  /** As its owner leaves it. */
  const moveToTrash = () =>
    mkdir(
      new SessionPaths(fleet.sessionPath).trashEntry('2', {
        time: Date.now(),
        session: 'main',
        generation: null,
      }),
      {
        recursive: true,
      },
    );

  it('ends once its owner says that there is no such session, and it is in the trash', async () => {
    const { leftovers, table } = fleet.router.services;
    const id = await send();
    instance.sessions.clear();
    await moveToTrash();
    await leftovers.endOrphans(orphan(false));
    expect(await stateOf(id)).toMatchObject({ status: 'failed', error: { code: 'session_deleted' } });
    expect(table.owner('2')?.instance).toBe('instance-1');
  });

  it('waits where the session was lost, with the storage it was on: a restore brings it back', async () => {
    const { leftovers } = fleet.router.services;
    const id = await send();
    instance.sessions.clear();
    await leftovers.endOrphans(orphan(false));
    expect(instance.asked.at(-1)?.path).toBe('/workspaces/2/sessions/main');
    expect((await stateOf(id)).status).toBe('queued');
  });

  it('waits where the owner has the session, does not answer, or was not asked since all is well', async () => {
    const { leftovers } = fleet.router.services;
    const id = await send();
    await moveToTrash();
    await leftovers.endOrphans(orphan(false));
    expect(instance.asked.at(-1)?.path).toBe('/workspaces/2/sessions/main');
    await instance.crash();
    await leftovers.endOrphans(orphan(false));
    await leftovers.endOrphans(orphan(true));
    expect((await stateOf(id)).status).toBe('queued');
  });
});
