import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WharfError } from '../../../common/errors.ts';
import { createLogger } from '../../../common/logger.ts';
import type { ClaimStore } from '../../../fleet/claims.ts';
import type { Coordination } from '../../../fleet/coordination.ts';
import { MemoryClaimStorage, MemoryClaims } from '../../../fleet/memory-claims.ts';
import { memoryCoordination } from '../../../fleet/memory-coordination.ts';
import { MemoryRedis } from '../../../fleet/memory-redis.ts';
import { OWNERSHIP_TIMES } from '../../../fleet/ownership-times.ts';
import { OwnershipKeeper } from '../../../instance/supervisor/keeper.ts';
import type { Grant, Worker } from '../../../instance/supervisor/worker.ts';
import { DrivenClock } from '../../helpers/driven-clock.ts';
import { leaseHolder } from '../../helpers/fleet-values.ts';

const ME = 'instance-1';

/** What an instance runs: grants come and go, closing works or not. */
class Sessions implements Worker {
  readonly running = new Map<string, Grant>();
  closesWell = true;

  run(grant: Grant): void {
    this.running.set(grant.workspace, grant);
  }

  extend(): void {}

  async kill(workspace: string): Promise<boolean> {
    this.running.delete(workspace);
    return true;
  }

  async close(workspace: string): Promise<boolean> {
    this.running.delete(workspace);
    return this.closesWell;
  }

  async closeAll(): Promise<string[]> {
    const closed = [...this.running.keys()];
    this.running.clear();
    return closed;
  }
}

/** An object whose methods fail while `isAway` says so. */
function failing<T extends object>(parts: T, isAway: (method: string, ...given: unknown[]) => boolean): T {
  return new Proxy(parts, {
    get: (target, name) => {
      const method = Reflect.get(target, name) as (...given: unknown[]) => unknown;
      return (...given: unknown[]) =>
        isAway(String(name), ...given)
          ? Promise.reject(new WharfError('storage_unavailable', 'It does not answer.'))
          : method.apply(target, given);
    },
  });
}

describe('a keeper of ownership', () => {
  let clock: DrivenClock;
  let redis: Coordination;
  let storage: MemoryClaimStorage;
  let sessions: Sessions;
  let keeper: OwnershipKeeper;
  let stop: AbortController;
  let ended: Promise<unknown>;
  let redisIsAway: (method: string) => boolean;
  let storageIsAway: (method: string, workspace: unknown) => boolean;

  beforeEach(async () => {
    clock = new DrivenClock();
    redis = memoryCoordination(new MemoryRedis(clock, () => 'redis'));
    storage = new MemoryClaimStorage(clock);
    sessions = new Sessions();
    redisIsAway = () => false;
    storageIsAway = () => false;
  });

  afterEach(async () => {
    redisIsAway = () => false;
    storageIsAway = () => false;
    stop.abort();
    await clock.pass(20_000);
    await ended;
  });

  async function begin(workspaces: readonly string[]): Promise<void> {
    const claims = new MemoryClaims(storage, ME);
    for (const workspace of workspaces)
      await claims.create({
        workspace_id: workspace,
        epoch: 1,
        instance: ME,
        incarnation: 'before',
        host: 'host',
        boot: 'boot',
        generation: 1,
        claimed_at: new Date(0).toISOString(),
      });
    keeper = new OwnershipKeeper({
      holder: leaseHolder(ME, 'now'),
      predecessors: [],
      predecessorsEnded: true,
      coordination: failing(redis, (method) => redisIsAway(method)),
      claims: failing<ClaimStore>(claims, (method, workspace) => storageIsAway(method, workspace)),
      worker: sessions,
      clock,
      times: OWNERSHIP_TIMES,
      log: createLogger('silent', {}),
    });
    stop = new AbortController();
    ended = keeper.run(stop.signal);
    await clock.pass(3000);
  }

  it('takes back what did not close well when it is to be handed over no longer', async () => {
    await begin(['7']);
    await redis.acquire(leaseHolder('instance-2', 'b'), 1e9, []);
    sessions.closesWell = false;
    await redis.order(ME, { workspace: '7', epoch: 2, to: 'instance-2', move: null });
    await clock.until(() => !sessions.running.has('7'), 5000);
    await redis.withdrawOrder(ME, '7');
    await clock.until(() => sessions.running.get('7')?.epoch === 3, 10_000);
  });

  it('runs on what it could not hand over, since Redis went away', async () => {
    await begin(['7']);
    await redis.acquire(leaseHolder('instance-2', 'b'), 1e9, []);
    await redis.order(ME, { workspace: '7', epoch: 2, to: 'instance-2', move: null });
    redisIsAway = (method) => method === 'handOver';
    await clock.until(() => !sessions.running.has('7'), 5000);
    redisIsAway = () => true;
    await clock.until(() => sessions.running.has('7'), 20_000);
    await clock.pass(600_000);
    expect(sessions.running.has('7')).toBe(true);
  });

  it('claims what it owned though the claims of one workspace cannot be read', async () => {
    storageIsAway = (method, workspace) => method === 'highest' && workspace === '1';
    await begin(['1', ...Array.from({ length: 20 }, (_, index) => String(index + 2))]);
    await clock.until(() => sessions.running.size === 20, 10_000);
    storageIsAway = () => false;
    await clock.until(() => sessions.running.has('1'), 61_000);
  });

  it('claims anew what ran out while Redis is away, as soon as the storage answers for it', async () => {
    await begin(['1', '2']);
    await clock.until(() => sessions.running.size === 2, 5000);
    redisIsAway = () => true;
    await clock.pass(10_000);
    storageIsAway = (_method, workspace) => workspace === '1';
    await clock.until(() => !sessions.running.has('1'), 15_000);
    await clock.pass(10_000);
    storageIsAway = () => false;
    await clock.until(() => sessions.running.has('1'), 61_000);
    expect(sessions.running.get('2')?.epoch).toBe(2);
  });

  it('writes a claim again that wiped storage has lost, when a restore asks for it, and outlives the loss of Redis with it', async () => {
    await begin(['7']);
    await clock.until(() => sessions.running.size === 1, 5000);
    const before = (await new MemoryClaims(storage, 'another host').highest('7'))?.claim;
    storage.state.workspaces.clear();
    await clock.pass(30_000);
    expect(sessions.running.get('7')?.epoch).toBe(2);
    const claimed = keeper.claimFirst('7');
    await clock.pass(100);
    expect(await claimed).toBe(2);
    const highest = await new MemoryClaims(storage, 'another host').highest('7');
    expect(highest?.claim).toEqual({ ...before, claimed_at: expect.any(String) });
    redisIsAway = () => true;
    await clock.pass(60_000);
    expect(sessions.running.get('7')?.epoch).toBe(2);
    expect(keeper.status()).toMatchObject({ lapses: 0, storage_ok: true });
  });
});
