import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { KeptInstance } from '../helpers/kept-instance.ts';
import { ADMIN_KEY, startFleet, type TestFleet } from '../helpers/router.ts';
import { runWharf, type TerminalOptions } from '../helpers/terminal.ts';

let fleet: TestFleet;
let storage: Map<string, string[]>;
let instances: KeptInstance[];

beforeAll(async () => {
  fleet = await startFleet({ holdTime: 0 });
  storage = new Map();
  const { coordination } = fleet;
  instances = await Promise.all(
    ['instance-1', 'instance-2', 'instance-3'].map((id) =>
      new KeptInstance({ id, fleet, coordination, storage }).start(),
    ),
  );
});
afterAll(async () => {
  await Promise.all(instances.map((instance) => instance.stop()));
  await fleet.close();
});

/** All are well, and nothing moves. */
beforeEach(() =>
  eventually(async () => {
    const { instances: shown, leader } = (await fleet.ask('GET', '/api/fleet')).json;
    const { moves } = (await fleet.ask('GET', '/api/fleet/moves?state=under_way')).json;
    const isWell = (each: { verdict?: string; draining?: boolean }) =>
      each.verdict === 'healthy' && !each.draining;
    const three = shown.filter((each: { id: string }) => each.id !== 'instance-4');
    return leader !== null && three.length === 3 && three.every(isWell) && moves.length === 0;
  }),
);

function wharf(words: string[], options: TerminalOptions = {}) {
  return runWharf(words, { ...options, env: { WHARF_URL: fleet.url, WHARF_API_KEY: ADMIN_KEY } });
}

const on = (number: number): KeptInstance => instances[number - 1] as KeptInstance;

async function make(instance: KeptInstance, ...workspaces: string[]): Promise<void> {
  for (const workspace of workspaces) {
    storage.set(workspace, ['main']);
    await instance.claim(workspace);
  }
  const isReady = (workspace: string) =>
    fleet.router.services.table.session(workspace, 'main')?.status === 'ready';
  await eventually(() => workspaces.every(isReady));
}

/** Reads and messages for these workspaces without a pause, until it is told to stop; then what they were answered. */
function load(workspaces: readonly string[]): () => Promise<Record<string, number>> {
  let stopping = false;
  const answers: Record<string, number> = {};
  const run = async (workspace: string) => {
    while (!stopping) {
      const path = `/api/whatsapp/sessions/main`;
      const query = `?workspace_id=${workspace}`;
      const body = { to: '491701234567', text: 'hello' };
      for (const answer of [
        await fleet.ask('GET', path + query),
        await fleet.ask('GET', `${path}/chats${query}`),
        await fleet.ask('POST', `${path}/messages${query}`, { body }),
      ]) {
        const name = answer.status < 300 ? 'done' : `${answer.status} ${answer.json?.code}`;
        answers[name] = (answers[name] ?? 0) + 1;
      }
    }
  };
  const runs = workspaces.map(run);
  return async () => {
    stopping = true;
    await Promise.all(runs);
    return answers;
  };
}

describe('wharf status', () => {
  it('names the versions of Wharf and Chromium where they differ, and no others', async () => {
    expect((await wharf(['status'])).out).not.toContain('differs');
    // It announces itself anew each second.
    await eventually(async () => {
      await on(2).fake.announce({ version: '0.2.0', chromium: '156.0.8078.79' });
      const { out } = await wharf(['status']);
      return (
        out.includes('Wharf differs: an older one on instance-1, instance-3; 0.2.0 on instance-2. Finish') &&
        out.includes('Chromium differs: 0 on instance-1, instance-3; 156.0.8078.79 on instance-2. What')
      );
    });
    await eventually(async () => !(await wharf(['status'])).out.includes('differs'));
  });
});

describe('wharf move', () => {
  it('moves a workspace, and says where it is when it is there', async () => {
    await make(on(1), '3');
    const ran = await wharf(['move', '3', 'instance-2']);
    expect(ran).toMatchObject({ code: 0, out: 'Moved workspace 3 from instance-1 to instance-2.\n' });
    expect(ran.err).toMatch(/^0\/1 moved\n(0\/1 moved, 1 under way\n)?1\/1 moved\n$/);
    expect(on(2).workspaces).toContain('3');
  });

  it('draws one line that changes where a person watches', async () => {
    await make(on(1), '6');
    const ran = await wharf(['move', '6', 'instance-2'], { answers: [] });
    const lines = ran.err.split('\r\u001b[2K');
    expect([lines[0], lines[1], lines.at(-1)]).toEqual(['', '0/1 moved', '1/1 moved\n']);
  });

  it('does not wait under --no-wait, and gives the move under --json', async () => {
    await make(on(1), '9');
    const ran = await wharf(['move', '9', 'instance-2', '--no-wait', '--json']);
    expect([ran.code, ran.err]).toEqual([0, '']);
    expect(JSON.parse(ran.out).moves[0]).toMatchObject({
      workspace_id: 9,
      to: 'instance-2',
      state: 'queued',
    });
    const listed = await wharf(['moves']);
    expect(listed.out).toMatch(/^WORKSPACE +FROM +TO +REASON +STATE +SINCE/);
    expect(listed.out).toMatch(/^9 +instance-1 +instance-2 +move +(queued|closing|adopting|done)/m);
  });

  it('ends with 1 for what the fleet refuses, and with 2 for what is no id', async () => {
    const unknown = await wharf(['move', 'nobody', 'instance-2']);
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('(not_found')]);
    const target = await wharf(['move', '3', 'instance-9']);
    expect([target.code, target.err]).toEqual([
      1,
      expect.stringContaining('There is no instance instance-9'),
    ]);
    expect((await wharf(['move', '007', 'instance-2'])).code).toBe(2);
    expect((await wharf(['move', '3', 'x'])).code).toBe(2);
    expect((await wharf(['move', '3'])).code).toBe(2);
  });
});

describe('wharf drain', () => {
  it('empties an instance with no request failed, and says how it is taken back', async () => {
    const workspaces = ['12', '15', '18', '21', '24', '27'];
    await make(on(1), ...workspaces);
    const stop = load(workspaces);
    const ran = await wharf(['drain', 'instance-1']);
    const answers = await stop();
    expect(Object.keys(answers)).toEqual(['done']);
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/^instance-1 is empty: \d+ workspaces moved\. .*wharf undrain instance-1\n$/);
    expect(ran.err).toMatch(/\d+\/\d+ moved off instance-1/);
    expect(on(1).workspaces).toEqual([]);
    expect((await wharf(['status'])).out).toMatch(/^instance-1 +draining/m);

    const again = await wharf(['drain', 'instance-1', '--json']);
    expect([again.code, JSON.parse(again.out)]).toEqual([0, { instance: 'instance-1', moves: [] }]);
    const undrained = await wharf(['undrain', 'instance-1']);
    expect(undrained).toMatchObject({ code: 0, out: 'instance-1 takes workspaces again.\n' });
  });

  it('ends with 1 for an instance that nobody knows', async () => {
    const ran = await wharf(['drain', 'instance-9', '--json']);
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.err).error).toMatchObject({ code: 'not_found' });
  });
});

describe('wharf rebalance', () => {
  it('brings home what is elsewhere, and says so when all are at home', async () => {
    const ran = await wharf(['rebalance']);
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/^\d+ workspaces? brought home\.\n$/);
    const again = await wharf(['rebalance']);
    expect(again).toMatchObject({
      code: 0,
      out: 'Every workspace that can be at home is at home.\n',
      err: '',
    });
  });
});

describe('wharf restart', () => {
  it('--rolling restarts all, one after another and empty, with no request failed, and everything back in its place', async () => {
    const before = instances.map(({ workspaces, lives }) => ({ workspaces: workspaces.sort(), lives }));
    const workspaces = before.flatMap((each) => each.workspaces);
    expect(workspaces.length).toBeGreaterThan(3);
    const stop = load(workspaces);
    const ran = await wharf(['restart', '--rolling']);
    const answers = await stop();
    expect(ran.err).toMatch(/^To go on after an interruption: wharf restart --rolling --since 2/);
    expect(ran.err).toContain('instance-3 (3 of 3): done in');
    expect(ran).toMatchObject({ code: 0, out: '3 instances restarted.\n' });
    expect(Object.keys(answers)).toEqual(['done']);
    expect(instances.map((each) => ({ workspaces: each.workspaces.sort(), lives: each.lives }))).toEqual(
      before.map((each) => ({ workspaces: each.workspaces, lives: each.lives + 1 })),
    );
  }, 60_000);

  it('--rolling passes over what was restarted already, and leaves nothing drained when it is stopped', async () => {
    const since = new Date().toISOString();
    const lives = instances.map((each) => each.lives);
    const stop = new AbortController();
    const stopped = wharf(['restart', '--rolling', '--since', since], { signal: stop.signal });
    await eventually(() => on(1).lives > (lives[0] ?? 0) && on(1).workspaces.length > 0);
    await eventually(async () => {
      const { instances: shown } = (await fleet.ask('GET', '/api/fleet')).json;
      return shown.find((each: { id: string }) => each.id === 'instance-2').draining;
    });
    stop.abort(new Error('Ctrl-C'));
    expect((await stopped).code).toBe(1);
    await eventually(async () => (await fleet.ask('GET', '/api/fleet')).json.draining.length === 0);

    await eventually(async () => {
      const { moves } = (await fleet.ask('GET', '/api/fleet/moves?state=under_way')).json;
      return moves.length === 0;
    });
    const ran = await wharf(['restart', '--rolling', '--since', since, '--json']);
    expect(ran.code, ran.err).toBe(0);
    const restarted = JSON.parse(ran.out).restarted.map((each: { instance: string }) => each.instance);
    expect(restarted).toContain('instance-3');
    expect(restarted).not.toContain('instance-1');
  }, 60_000);

  it('restarts one as it is', async () => {
    const { lives } = on(3);
    const ran = await wharf(['restart', 'instance-3']);
    expect(ran).toMatchObject({ code: 0, out: 'instance-3 restarts. Follow with: wharf status\n' });
    await eventually(() => on(3).lives > lives);
  });

  it.each([
    [['restart']],
    [['restart', 'instance-1', 'instance-2']],
    [['restart', '--since', 'now', '--rolling']],
  ])('ends with 2 for %j', async (words) => {
    expect((await wharf(words)).code).toBe(2);
  });

  it('--rolling refuses while an instance is not well', async () => {
    const { coordination } = fleet;
    const four = await new KeptInstance({ id: 'instance-4', fleet, coordination, storage }).start();
    const verdict = async () => {
      const { instances: shown } = (await fleet.ask('GET', '/api/fleet')).json;
      return shown.find((each: { id: string }) => each.id === 'instance-4')?.verdict;
    };
    await eventually(async () => (await verdict()) === 'healthy');
    await four.stop();
    await eventually(async () => (await verdict()) === 'restarting');
    const ran = await wharf(['restart', '--rolling', 'instance-1']);
    expect([ran.code, ran.err]).toEqual([
      1,
      expect.stringContaining('instance-4 is restarting: one instance'),
    ]);
  });
});

describe('wharf unfreeze', () => {
  it('asks first, and does nothing without a yes', async () => {
    const ran = await wharf(['unfreeze'], { answers: ['n'] });
    expect([ran.code, ran.err]).toEqual([1, expect.stringContaining('Nothing was done')]);
    expect((await wharf(['unfreeze'])).code).toBe(2);
    expect(await wharf(['unfreeze', '--yes'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('Nothing is frozen now'),
    });
  });
});

describe('wharf events', () => {
  it('tells the story', async () => {
    const ran = await wharf(['events']);
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/^2\d{3}-\S+Z {2}move {6,}/m);
    expect((await wharf(['events', '-n', '0'])).code).toBe(2);
    expect(JSON.parse((await wharf(['events', '-n', '3', '--json'])).out).events).toHaveLength(3);
  });
});

describe('their help', () => {
  it.each(['move', 'drain', 'undrain', 'rebalance', 'unfreeze', 'restart', 'moves', 'events'])(
    'of %s has examples',
    async (name) => {
      const ran = await wharf([name, '--help']);
      expect([ran.code, ran.out]).toEqual([0, expect.stringMatching(/Examples?:\n {2}\$ wharf /)]);
    },
  );
});
