import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import type { FakeInstance } from '../helpers/fake-instance.ts';
import { startFleet, type TestFleet } from '../helpers/router.ts';
import { startRouterProcess } from '../helpers/router-process.ts';

const SESSION = '/api/whatsapp/sessions/main?workspace_id=2';

let fleet: TestFleet;
let instance: FakeInstance;

beforeEach(async () => {
  fleet = await startFleet();
  instance = await fleet.addInstance('instance-1');
  await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 2, session_id: 'main' } });
});
afterEach(() => fleet.close());

describe('a router that is asked to stop', () => {
  it('says so at /ready, answers all that comes for WHARF_STOP_DELAY on connections that it ends, and is gone then', async () => {
    const { url, stop } = await startRouterProcess(fleet, { WHARF_STOP_DELAY: '3000' });
    const ready = () => fleet.ask('GET', '/ready', { key: null, url });
    expect((await ready()).status).toBe(200);
    const gone = stop();
    await eventually(async () => (await ready()).status === 503);
    const told = await ready();
    expect([told.json.code, told.headers.get('connection')]).toEqual(['shutting_down', 'close']);
    for (const [method, path] of [
      ['GET', SESSION],
      ['GET', '/api/fleet'],
      ['POST', `/api/whatsapp/sessions/main/restart?workspace_id=2`],
    ] as const) {
      const answer = await fleet.ask(method, path, { url });
      expect([answer.status < 300, answer.headers.get('connection')], path).toEqual([true, 'close']);
    }
    expect(await gone).toBe(0);
    await expect(ready()).rejects.toThrow();
  });

  it('lets end what it holds, though it takes no more', async () => {
    const { url, stop } = await startRouterProcess(fleet);
    const moves = new EventEmitter();
    instance.intercept = async () => {
      await once(moves, 'over');
      return false;
    };
    const restart = '/api/whatsapp/sessions/main/restart?workspace_id=2';
    const held = fleet.ask('POST', restart, { url });
    await eventually(() => instance.asked.some(({ path }) => path.includes('/restart')));
    const gone = stop();
    const ready = () => fleet.ask('GET', '/ready', { key: null, url });
    await eventually(() =>
      ready().then(
        () => false,
        () => true,
      ),
    );
    // Longer than any other server of Wharf lets requests end that are under way when it closes.
    await sleep(6000);
    moves.emit('over');
    expect((await held).status).toBe(202);
    expect(await gone).toBe(0);
  });
});
