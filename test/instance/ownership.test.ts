import { describe, expect, it } from 'vitest';
import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import { createLogger } from '../../common/logger.ts';
import { Ownership } from '../../instance/ownership.ts';
import type { Grant } from '../../instance/supervisor/worker.ts';
import { eventually } from '../helpers/eventually.ts';

const T_AUTH = 7000;

/** Both clocks of a host in hand. Sleepers wait until they are aborted or `tick` brings the time to them. */
class TwoClocks implements Clock {
  wall = Date.UTC(2026, 10, 22);
  mono = 1_000_000;
  readonly #sleepers = new Set<{ at: number; wake: () => void }>();

  now(): number {
    return this.wall;
  }

  monotonic(): number {
    return this.mono;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      const wake = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const sleeper = { at: this.mono + milliseconds, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', onAbort);
    });
  }

  /** Time goes on as it does in a process that runs: nothing is late. */
  async pass(milliseconds: number, look: () => void): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += 100) {
      this.jump(100, 100);
      look();
      for (const sleeper of [...this.#sleepers]) {
        if (sleeper.at > this.mono) continue;
        this.#sleepers.delete(sleeper);
        sleeper.wake();
      }
      await Promise.resolve();
    }
  }

  /** Time goes on unseen. */
  jump(mono: number, wall: number): void {
    this.mono += mono;
    this.wall += wall;
  }
}

function make(claim: (workspace: string) => Promise<number> = () => Promise.reject(new Error('none'))) {
  const clock = new TwoClocks();
  const lapsed: string[] = [];
  const ownership = new Ownership({
    instance: 'instance-1',
    clock,
    lasts: T_AUTH,
    log: createLogger('silent', {}),
    claim,
    lapsed: (workspace, epoch) => lapsed.push(`${workspace}@${epoch}`),
  });
  const grant = (workspace = '7', epoch = 3): Grant => ({
    workspace,
    epoch,
    generation: 1,
    released: false,
    startAt: clock.mono,
    until: clock.mono + T_AUTH,
  });
  const prove = (asked: number, workspace = '7', epoch = 3) =>
    ownership.extend(asked, [{ workspace, epoch, until: asked + T_AUTH }]);
  const look = () => void ownership.holds('7', 3);
  return { clock, ownership, lapsed, grant, prove, look };
}

const notOwner = expect.objectContaining({ code: 'not_owner', status: 421 });
const unproved = expect.objectContaining({ code: 'ownership_unproved', status: 503, retryAfter: 2 });

describe('owning a workspace', () => {
  it('is nothing before it is granted, and at no other epoch than the one that is', () => {
    const { ownership, grant } = make();
    expect(() => ownership.epoch('7')).toThrow(notOwner);
    ownership.grant(grant());
    expect(ownership.epoch('7')).toBe(3);
    ownership.requireAuthority('7', 3);
    for (const epoch of [2, 4]) expect(() => ownership.requireAuthority('7', epoch)).toThrow(notOwner);
    expect([ownership.left('7', 3), ownership.left('7', 2), ownership.left('8', 3)]).toEqual([T_AUTH, 0, 0]);
  });

  it('goes on for as long as proofs come, and counts each from when it was asked for', async () => {
    const { clock, ownership, grant, prove, look, lapsed } = make();
    ownership.grant(grant());
    await clock.pass(100, look);
    for (let round = 0; round < 10; round += 1) {
      const asked = clock.mono;
      await clock.pass(2000, look);
      expect(prove(asked)).toEqual({ longer: ['7'], again: [] });
      expect(ownership.left('7', 3)).toBe(T_AUTH - 2000);
    }
    expect(lapsed).toEqual([]);
  });

  it('ends at the moment it runs out, whoever looks first, and says so once', async () => {
    const { clock, ownership, grant, lapsed, look } = make();
    ownership.grant(grant());
    await clock.pass(T_AUTH - 100, look);
    ownership.requireAuthority('7', 3);
    await clock.pass(100, () => {});
    expect(() => ownership.requireAuthority('7', 3)).toThrow(notOwner);
    expect(() => ownership.epoch('7')).toThrow(notOwner);
    expect(lapsed).toEqual(['7@3']);
  });

  it('is ended by its timer where nobody asks', async () => {
    const { clock, ownership, grant, lapsed } = make();
    ownership.grant(grant());
    const stop = new AbortController();
    const watching = ownership.watch(stop.signal);
    for (let turn = 0; turn < 100 && lapsed.length === 0; turn += 1) await clock.pass(100, () => {});
    expect(lapsed).toEqual(['7@3']);
    stop.abort();
    await watching;
  });

  it('is not extended by a proof for another epoch, nor by one that lasts less long', async () => {
    const { clock, ownership, grant, prove, look } = make();
    ownership.grant(grant());
    await clock.pass(1000, look);
    expect(prove(clock.mono, '7', 2)).toEqual({ longer: [], again: [] });
    expect(prove(clock.mono, '8')).toEqual({ longer: [], again: [] });
    expect(prove(clock.mono - 5000)).toEqual({ longer: [], again: [] });
    expect(ownership.left('7', 3)).toBe(T_AUTH - 1000);
  });

  it('begins again where only this process was paused and the proof came in time to the supervisor', () => {
    const { clock, ownership, grant, prove, lapsed } = make();
    const granted = grant();
    ownership.grant(granted);
    clock.jump(9000, 9000);
    expect(prove(clock.mono - 1000)).toEqual({ longer: [], again: [granted] });
    expect(lapsed).toEqual(['7@3']);
    expect(ownership.epoch('7')).toBe(3);
    // But nothing goes out before a proof that was asked for after the pause.
    expect(() => ownership.requireAuthority('7', 3)).toThrow(unproved);
  });

  it('does not begin again where it was revoked since, or the proof is as old as the pause', () => {
    const revoked = make();
    revoked.ownership.grant(revoked.grant());
    revoked.clock.jump(9000, 9000);
    expect(revoked.ownership.holds('7', 3)).toBe(false);
    revoked.ownership.revoke('7', 3);
    expect(revoked.prove(revoked.clock.mono)).toEqual({ longer: [], again: [] });

    const stale = make();
    stale.ownership.grant(stale.grant());
    stale.clock.jump(20_000, 20_000);
    expect(stale.prove(stale.clock.mono - 15_000)).toEqual({ longer: [], again: [] });
    expect(() => stale.ownership.epoch('7')).toThrow(notOwner);
  });

  it('is not revoked for an earlier epoch than the one that is granted by now', () => {
    const { ownership, grant } = make();
    ownership.grant(grant('7', 5));
    ownership.revoke('7', 4);
    expect(ownership.epoch('7')).toBe(5);
    ownership.revoke('7', 5);
    expect(() => ownership.epoch('7')).toThrow(notOwner);
  });
});

describe('after a pause', () => {
  it.each([
    ['the process was stopped', 3000, 3000],
    ['the machine slept', 0, 3_600_000],
    ['the wall clock was set back', 100, -3_600_000],
  ])('where %s nothing goes out before a proof asked for after it', async (_what, mono, wall) => {
    const { clock, ownership, grant, prove, look } = make();
    ownership.grant(grant());
    await clock.pass(1000, look);
    const before = clock.mono;
    clock.jump(mono, wall);
    expect(() => ownership.requireAuthority('7', 3)).toThrow(unproved);
    expect(ownership.left('7', 3)).toBe(0);
    expect(ownership.epoch('7')).toBe(3);
    prove(before);
    expect(() => ownership.requireAuthority('7', 3)).toThrow(unproved);
    await clock.pass(100, look);
    prove(clock.mono);
    ownership.requireAuthority('7', 3);
    expect(ownership.left('7', 3)).toBe(T_AUTH);
  });

  it('holds what is to be sent until the proof comes, or for a short time', async () => {
    const { clock, ownership, grant, prove, look } = make();
    ownership.grant(grant());
    clock.jump(2000, 2000);
    const sent: string[] = [];
    const send = ownership.awaitAuthority('7', 3, 3000).then(() => sent.push('sent'));
    await clock.pass(1000, look);
    expect(sent).toEqual([]);
    prove(clock.mono);
    await send;
    expect(sent).toEqual(['sent']);

    clock.jump(2000, 2000);
    const late = expect(ownership.awaitAuthority('7', 3, 3000)).rejects.toEqual(unproved);
    await clock.pass(3100, look);
    await late;
  });

  it('holds nothing for whoever lost the workspace meanwhile', async () => {
    const { clock, ownership, grant } = make();
    ownership.grant(grant());
    clock.jump(2000, 2000);
    const send = expect(ownership.awaitAuthority('7', 3, 3000)).rejects.toEqual(notOwner);
    ownership.revoke('7', 3);
    await send;
  });
});

describe("the first session's claim", () => {
  it('is asked of the supervisor where the workspace is not granted, and waits for the grant', async () => {
    const asked: string[] = [];
    const { ownership, grant } = make(async (workspace) => {
      asked.push(workspace);
      return 4;
    });
    const claiming = ownership.claimFirst('7');
    await eventually(() => asked.length === 1);
    ownership.grant(grant('7', 4));
    expect(await claiming).toBe(4);
    expect(await ownership.claimFirst('7')).toBe(4);
    expect(asked).toEqual(['7']);
  });

  it('fails with what the supervisor refuses it with', async () => {
    const refusal = new WharfError('not_owner', 'instance-2 does.', { extra: { owner: 'instance-2' } });
    const { ownership } = make(() => Promise.reject(refusal));
    await expect(ownership.claimFirst('7')).rejects.toBe(refusal);
  });
});
