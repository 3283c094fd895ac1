import type { Coordination, Lease, LeaseHolder, RedisIdentity } from '../../fleet/coordination.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import { blamedWorkspaces, type Death } from './blame.ts';
import { type Judgement, judge, type Verdict, type VerdictTimes } from './verdict.ts';

/** Deaths are remembered for so long, milliseconds. */
const HOUR = 3_600_000;

/** What was seen of an instance. */
interface Seen {
  lease: Lease['state'] | 'gone';
  /** Since when its lease has been so. Times here are milliseconds on the monotonic clock. */
  since: number;
  holder: LeaseHolder | null;
  remaining: number;
  starting: readonly WorkspaceId[];
  /** Its last death is counted: it has held no lease since. */
  counted: boolean;
  storageBadSince: number | null;
  silences: readonly number[];
  idle: boolean;
  owns: boolean;
  verdict: Verdict | null;
  reason: string;
  verdictSince: number;
}

/** What a router knows of an instance's standing. */
export interface Standing extends Judgement {
  instance: string;
  /** Since when the verdict has been so, on the monotonic clock. */
  since: number;
  lease: Seen['lease'];
  holder: LeaseHolder | null;
  /** Milliseconds until the lease lapses. */
  remaining: number;
  silence: number | null;
  deaths: number;
  /** Milliseconds for which it is left alone; longer with each death. */
  leftAlone: number;
}

/** What a tick hears of an instance beside its lease. */
export interface Heard {
  silences: readonly number[];
  /** Null where it says nothing. */
  storageOk: boolean | null;
  /** It says that it may run no workspace. */
  idle: boolean;
  /** Whether workspaces are assigned to it. */
  owns: boolean;
  /** The workspaces that have a session starting there. */
  starting: readonly WorkspaceId[];
}

/**
 * What one router has seen of leases and probes, and since when. It only remembers: `judge` says what follows. Every router keeps one, so that
 * who becomes the leader knows already; after its own start it concludes nothing for a lease's time.
 */
export class Watch {
  readonly #times: VerdictTimes;
  readonly #seen = new Map<string, Seen>();
  #identity: RedisIdentity | null = null;
  #wellSince: number | null = null;
  #deaths: Death[] = [];

  constructor(times: VerdictTimes) {
    this.#times = times;
  }

  /** Redis did not answer. */
  redisAway(): void {
    this.#wellSince = null;
  }

  /** Nobody looked for a while: what is old by the clock may have changed since. */
  gap(now: number): void {
    if (this.#wellSince !== null) this.#wellSince = now;
  }

  /** Milliseconds that Redis has been well; null while it is away. */
  wellFor(now: number): number | null {
    return this.#wellSince === null ? null : now - this.#wellSince;
  }

  /** Redis answered. True where it is another one than before, or the first. */
  saw({ identity, leases }: Awaited<ReturnType<Coordination['leases']>>, now: number): boolean {
    const changed = this.#identity?.era !== identity.era || this.#identity.server !== identity.server;
    if (changed || this.#wellSince === null) this.#wellSince = now;
    this.#identity = identity;
    const held = new Map(leases.map((lease) => [lease.holder.instance, lease]));
    for (const [instance, { holder, state, remaining }] of held) {
      const seen = this.#seen.get(instance);
      const isReplaced = seen?.holder && seen.holder.incarnation !== holder.incarnation;
      if (isReplaced && seen.lease === 'running') this.#died(instance, seen, now);
      this.#seen.set(instance, {
        ...(seen ?? unseen(now)),
        lease: state,
        since: seen?.lease === state ? seen.since : now,
        holder,
        remaining,
        counted: state === 'running' ? false : (seen?.counted ?? false),
      });
    }
    for (const [instance, seen] of this.#seen) {
      if (held.has(instance)) continue;
      if (seen.lease !== 'gone') Object.assign(seen, { lease: 'gone', since: now });
      seen.remaining = 0;
    }
    return changed;
  }

  /** Takes in what is known of instances beside their leases, and judges each. Those not named and without a lease are forgotten. */
  judge(heard: ReadonlyMap<string, Heard>, now: number): void {
    for (const [instance, { silences, storageOk, idle, owns, starting }] of heard) {
      const seen = this.#seen.get(instance) ?? unseen(now);
      this.#seen.set(instance, seen);
      seen.silences = silences;
      seen.idle = idle;
      if (seen.lease === 'running') Object.assign(seen, { starting, owns });
      if (storageOk === false) seen.storageBadSince ??= now;
      else if (storageOk === true || seen.lease === 'running') seen.storageBadSince = null;
    }
    for (const [instance, seen] of this.#seen) {
      if (!heard.has(instance) && seen.lease === 'gone') this.#seen.delete(instance);
    }
    const standing = { wellFor: this.wellFor(now) };
    for (const [instance, seen] of this.#seen) {
      const { verdict, reason } = judge(
        {
          lease: seen.lease === 'running' ? 'held' : seen.lease,
          leaseFor: now - seen.since,
          silences: seen.silences,
          idle: seen.idle,
          storageBadFor: seen.storageBadSince === null ? 0 : Math.max(1, now - seen.storageBadSince),
          othersStorage: this.#othersStorage(instance),
        },
        standing,
        this.#times,
      );
      if (verdict === 'dead' && seen.verdict !== 'dead') this.#died(instance, seen, now);
      if (verdict !== seen.verdict) seen.verdictSince = now;
      seen.verdict = verdict;
      seen.reason = reason;
    }
    this.#deaths = this.#deaths.filter(({ at }) => now - at < HOUR);
  }

  standings(now: number): Standing[] {
    return [...this.#seen].map(([instance, seen]) => {
      const deaths = this.#deaths.filter((death) => death.instance === instance);
      const last = deaths.at(-1);
      const alone = last === undefined ? 0 : last.at + 60_000 * 2 ** deaths.length - now;
      return {
        instance,
        verdict: seen.verdict ?? 'unknown',
        reason: seen.reason,
        since: seen.verdictSince,
        lease: seen.lease,
        holder: seen.holder,
        remaining: seen.remaining,
        silence: seen.silences.length === 0 ? null : Math.min(...seen.silences),
        deaths: deaths.length,
        leftAlone: Math.max(0, alone),
      };
    });
  }

  /** Workspaces that are to be quarantined. */
  blamed(): WorkspaceId[] {
    return blamedWorkspaces(this.#deaths);
  }

  /** A workspace was quarantined: what it did so far is dealt with. */
  forgive(workspace: WorkspaceId): void {
    this.#deaths = this.#deaths.map((death) => ({
      ...death,
      starting: death.starting.filter((each) => each !== workspace),
    }));
  }

  #othersStorage(instance: string): { well: number; bad: number } {
    const others = [...this.#seen].filter(([id, { lease }]) => id !== instance && lease === 'running');
    const bad = others.filter(([, { storageBadSince }]) => storageBadSince !== null).length;
    return { well: others.length - bad, bad };
  }

  #died(instance: string, seen: Seen, now: number): void {
    // One that was emptied before is restarted, or taken away, by somebody who knows.
    if (seen.counted || !seen.owns) return;
    seen.counted = true;
    this.#deaths.push({ instance, at: now, starting: seen.starting });
    seen.starting = [];
  }
}

function unseen(now: number): Seen {
  return {
    lease: 'gone',
    since: now,
    holder: null,
    remaining: 0,
    starting: [],
    counted: false,
    storageBadSince: null,
    silences: [],
    idle: false,
    owns: true,
    verdict: null,
    reason: 'not looked at yet',
    verdictSince: now,
  };
}
