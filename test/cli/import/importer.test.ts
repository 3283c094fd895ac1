import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CommandFailure } from '../../../cli/failure.ts';
import { Importer } from '../../../cli/import/importer.ts';
import type { PlanItem } from '../../../cli/import/plan.ts';
import { ImportState } from '../../../cli/import/state-file.ts';
import { systemClock } from '../../../common/clock.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { foundProfile, plainProfile } from './plain-profile.ts';

interface Asked {
  method: string;
  path: string;
  body?: { import: string };
}

/** A router that answers as it is told, one after the other; orders are kept. */
class ScriptedRouter {
  readonly orders: string[] = [];
  /** What each order meets: `done`, or the code it fails with. The last one holds on. */
  readonly outcomes: string[];
  /** What the owner does with an order before it answers. */
  before: (id: string) => Promise<void> = async () => {};

  constructor(...outcomes: string[]) {
    this.outcomes = outcomes;
  }

  ask = async (_schema: unknown, request: Asked): Promise<never> => {
    if (request.method === 'GET') return { status: 'ready', phone_number: '491700000001' } as never;
    const id = request.body?.import ?? '';
    this.orders.push(id);
    await this.before(id);
    const outcome = this.outcomes.length > 1 ? this.outcomes.shift() : this.outcomes[0];
    if (outcome !== 'done') throw new CommandFailure('as the test says', { code: outcome ?? '' });
    return { session: {}, trash: null } as never;
  };
}

async function scene(...outcomes: string[]) {
  const root = await temporaryDirectory();
  const directory = await plainProfile(join(root, 'plain'), 'shop');
  const paths = new SessionPaths(join(root, 'sessions'));
  await mkdir(paths.fleet(), { recursive: true });
  const target = { workspace: '7', session: 'shop', account: null, proxy: null };
  const item: PlanItem = {
    profile: foundProfile({ directory }),
    target,
    action: 'import',
    refusal: null,
  };
  const router = new ScriptedRouter(...outcomes);
  const stateFile = join(root, 'state.json');
  const used = { by: null as number | null };
  const run = async () => {
    const state = await ImportState.read(stateFile);
    const importer = new Importer({
      paths,
      router: router as never,
      state,
      useOf: async () => (used.by === null ? null : { kind: 'in_use', pid: used.by }),
      clock: systemClock,
      signal: new AbortController().signal,
      replace: false,
      parallel: 2,
      wait: 0,
      told: () => {},
    });
    const [result] = await importer.run([item]);
    return { result, state: await ImportState.read(stateFile) };
  };
  const preparedOf = (id: string) => paths.preparedRestore('7', 'shop', id);
  return { router, run, preparedOf, used };
}

describe('an import', () => {
  it('is written down when its owner was asked, and when it has answered', async () => {
    const { router, run } = await scene('done');
    let known = '';
    router.before = async (id) => {
      known = id;
    };
    const { result, state } = await run();
    expect(result).toMatchObject({ outcome: 'imported', status: 'ready', phone: '491700000001' });
    expect(known).toMatch(/^r-\d{8}T\d{6}Z-[0-9a-f]{6}$/);
    expect([...state.keys('imported')]).toHaveLength(1);
    expect([...state.keys('ordered')]).toHaveLength(0);
  });

  it('that was refused leaves nothing behind, and is not remembered', async () => {
    const { router, run, preparedOf } = await scene('session_exists');
    const { result, state } = await run();
    expect(result).toMatchObject({ outcome: 'failed', error: { code: 'session_exists' } });
    expect(existsSync(preparedOf(router.orders[0] ?? ''))).toBe(false);
    expect([...state.keys('ordered'), ...state.keys('imported')]).toEqual([]);
  });

  it('asks no owner where its original is in use again by the time it is copied', async () => {
    const { router, run, used } = await scene('done');
    used.by = 4711;
    const { result, state } = await run();
    expect(result).toMatchObject({ outcome: 'failed', error: { code: 'invalid_state' } });
    expect(router.orders).toEqual([]);
    expect([...state.keys('ordered')]).toEqual([]);
  });

  it('whose answer was lost is asked for again under its id where the owner has begun with it', async () => {
    const { router, run, preparedOf } = await scene('timeout', 'done');
    router.before = async (id) => {
      // The owner moves the profile first.
      const profile = join(preparedOf(id), 'profile');
      if (existsSync(profile)) await rename(profile, join(preparedOf(id), 'placed'));
    };
    expect((await run()).result).toMatchObject({ outcome: 'failed', error: { code: 'timeout' } });
    const { result, state } = await run();
    expect(result).toMatchObject({ outcome: 'imported' });
    expect(new Set(router.orders).size).toBe(1);
    expect([...state.keys('imported')]).toHaveLength(1);
  });

  it('whose answer was lost is copied anew where the owner had not begun with it: the original may have been used since', async () => {
    const { router, run, preparedOf } = await scene('unreachable', 'done');
    expect((await run()).result).toMatchObject({ outcome: 'failed' });
    const [first = ''] = router.orders;
    expect(existsSync(preparedOf(first))).toBe(true);
    expect((await run()).result).toMatchObject({ outcome: 'imported' });
    expect(existsSync(preparedOf(first))).toBe(false);
    expect(new Set(router.orders).size).toBe(2);
  });

  it('of a profile that the owner has no trace of any more is begun anew', async () => {
    const { router, run, preparedOf } = await scene('timeout', 'restore_not_found', 'done');
    router.before = async (id) => {
      if (router.orders.length === 1)
        await rename(join(preparedOf(id), 'profile'), join(preparedOf(id), 'placed'));
    };
    await run();
    expect((await run()).result).toMatchObject({ outcome: 'imported' });
    expect(new Set(router.orders).size).toBe(2);
  });
});
