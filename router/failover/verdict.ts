/** What is concluded about an instance; the table is in `judge`. */
export type Verdict =
  | 'healthy'
  /** It stopped cleanly and is expected back. */
  | 'restarting'
  /** Nobody renews its lease, and nobody reaches it: its workspaces are taken over. */
  | 'dead'
  /** It lives, but no router reaches it: it is told through Redis to hand its workspaces over. */
  | 'hand_over_by_redis'
  /** It lives, but not in Redis: it is told by HTTP to release its workspaces, and then they are taken over. */
  | 'hand_over_by_http'
  /** It lives, but its storage does not, while others' does: its lease is taken from it, and its workspaces are taken over. */
  | 'revoke'
  /** What is known does not suffice. Nothing is done. */
  | 'unknown';

/** What is known of an instance, from two sides that fail apart: its lease in Redis, and what answers at its address. */
export interface Signals {
  lease: 'held' | 'restarting' | 'gone';
  /** Milliseconds that the lease has been so, as far as this router saw. */
  leaseFor: number;
  /** From each router that has tried to reach it: milliseconds it has not answered for, 0 where it answers. */
  silences: readonly number[];
  /** It answers, and says that it may run no workspace now: its authority has run out. */
  idle: boolean;
  /** Milliseconds that it has said its storage is bad; 0 where it says that it is well, or nothing. */
  storageBadFor: number;
  /** Of the other instances that live: how many say that their storage is well, and how many that it is not. */
  othersStorage: { well: number; bad: number };
}

/** How far Redis can be believed. */
export interface RedisStanding {
  /**
   * Milliseconds that it has been the same Redis (era and server), answering, and been watched without a gap; null while it is away.
   */
  wellFor: number | null;
}

/** From when on something is concluded, milliseconds. */
export interface VerdictTimes {
  /** A lease: nothing is concluded about who lost one before Redis has been well for so long. */
  lease: number;
  /** Not answered for so long is no answer: two probes. */
  silent: number;
  /** Reached by no router, but with its lease: for so long. */
  unreached: number;
  /** Reached, but without a lease: for so long. */
  leaseless: number;
  /** Its storage is bad, others' is well: for so long. */
  storage: number;
}

/** Those of `design.md`, Ownership 4, but the lease's, which the fleet's times say. */
export const VERDICT_TIMES: Readonly<Omit<VerdictTimes, 'lease'>> = Object.freeze({
  silent: 4000,
  unreached: 60_000,
  leaseless: 60_000,
  storage: 30_000,
});

/** A verdict, and why, for people. */
export interface Judgement {
  verdict: Verdict;
  reason: string;
}

/**
 * Judges an instance. Pure.
 *
 * | lease | direct probe | then |
 * |---|---|---|
 * | held | answers, storage well | healthy |
 * | gone | fails from every router | dead |
 * | held | fails from every router, 60 s | hand_over_by_redis |
 * | gone | answers, and says that it may run nothing | dead |
 * | gone | answers a router, 60 s | hand_over_by_http |
 * | held or gone | answers, its storage is bad for 30 s while most others' is good | revoke |
 * | restarting | | restarting, until that lapses |
 * | Redis away, or back for less than a lease | | at most healthy |
 *
 * One that answers and may run nothing (its supervisor is stopped, so that nobody renews its authority) has nothing to hand over, and nobody to
 * ask: it is as good as dead.
 *
 * An instance whose address nobody knows cannot be tried. One that lives says its address through Redis, as it takes its lease there: so it
 * is dead when its lease has been gone for as long as one that answers would be left alone.
 */
export function judge(signals: Signals, redis: RedisStanding, times: VerdictTimes): Judgement {
  const { lease, leaseFor, silences, storageBadFor } = signals;
  const silence = silences.length === 0 ? null : Math.min(...silences);
  if (redis.wellFor === null) return unknown('Redis is away: nothing is concluded');
  if (lease === 'restarting')
    return { verdict: 'restarting', reason: 'it stopped cleanly and is expected back' };
  const bad = storageBadFor >= times.storage && silence === 0 && storageIsItsOwnFault(signals);
  const settling = redis.wellFor < times.lease;
  if (lease === 'held') {
    if (silence === 0 && !bad) {
      if (storageBadFor === 0) return { verdict: 'healthy', reason: 'holds its lease and answers' };
      return unknown(
        `holds its lease and answers, but says for ${seconds(storageBadFor)} that its storage is bad`,
      );
    }
    if (settling) return unknown(settlingText(redis.wellFor));
    if (bad) return revoked(storageBadFor, signals);
    if (silence === null) return unknown('holds its lease; no router has reached it yet');
    if (silence >= times.unreached)
      return {
        verdict: 'hand_over_by_redis',
        reason: `holds its lease, but no router has reached it for ${seconds(silence)}`,
      };
    return unknown(`holds its lease, but no router has reached it for ${seconds(silence)}`);
  }
  if (settling) return unknown(settlingText(redis.wellFor));
  if (bad) return revoked(storageBadFor, signals);
  if (silence === null) {
    if (leaseFor < times.leaseless)
      return unknown(`its lease is gone for ${seconds(leaseFor)}, and nobody knows its address`);
    return { verdict: 'dead', reason: `lease gone for ${seconds(leaseFor)}, at no known address` };
  }
  if (silence >= times.silent)
    return { verdict: 'dead', reason: `lease gone for ${seconds(leaseFor)}, silent for ${seconds(silence)}` };
  if (signals.idle && leaseFor >= times.silent)
    return {
      verdict: 'dead',
      reason: `lease gone for ${seconds(leaseFor)}, and it says that it may run nothing`,
    };
  if (silence > 0) return unknown(`its lease is gone, and it has been silent for ${seconds(silence)}`);
  if (leaseFor >= times.leaseless)
    return { verdict: 'hand_over_by_http', reason: `answers, but has had no lease for ${seconds(leaseFor)}` };
  return unknown(`answers, but has had no lease for ${seconds(leaseFor)}`);
}

/** Where most others have trouble too, it is the storage that is bad, and nobody is better off elsewhere. */
function storageIsItsOwnFault({ othersStorage: { well, bad } }: Signals): boolean {
  return well > bad;
}

function revoked(badFor: number, { othersStorage }: Signals): Judgement {
  return {
    verdict: 'revoke',
    reason: `its storage has been bad for ${seconds(badFor)}, while that of ${othersStorage.well} other(s) is well`,
  };
}

function unknown(reason: string): Judgement {
  return { verdict: 'unknown', reason };
}

function settlingText(wellFor: number): string {
  return `Redis has been well, and watched, for ${seconds(wellFor)} only`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
}
