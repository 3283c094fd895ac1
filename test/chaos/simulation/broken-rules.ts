import type { Renewal } from '../../../fleet/coordination.ts';
import { OWNERSHIP_TIMES } from '../../../fleet/ownership-times.ts';
import type { Claim } from '../../../fleet/records.ts';
import { PROOF_POLICY } from '../../../instance/supervisor/authority.ts';
import {
  DRAINS_TAKEN_BACK,
  ISLAND,
  LONG_STOP,
  type Plan,
  REDIS_ONLY,
  SLOW_LOOKS,
  SLOW_RETURN,
} from './plans.ts';
import { RULES, type Rules } from './rules.ts';

/** A rule broken on purpose, and the faults under which the checker has to notice it. */
export interface BrokenRule {
  rules: Rules;
  plan: Plan;
}

/** Each alone: all other rules stand, and most of the time they cover for it. */
export const BROKEN_RULES: Readonly<Record<string, BrokenRule>> = {
  /** What was claimed once is taken for the highest claim ever after. */
  'no epoch check': {
    plan: ISLAND,
    rules: {
      ...RULES,
      claims: (store) => {
        const made = new Map<string, Claim>();
        return {
          ...methodsOf(store),
          create: async (claim) => {
            const won = await store.create(claim);
            if (won) made.set(claim.workspace_id, claim);
            return won;
          },
          highest: async (workspace) => {
            const highest = await store.highest(workspace);
            const claim = made.get(workspace);
            return claim ? { epoch: claim.epoch, claim, lastReadable: claim, released: false } : highest;
          },
        };
      },
    },
  },
  'proof never expires': {
    plan: LONG_STOP,
    rules: { ...RULES, times: { ...OWNERSHIP_TIMES, authority: Number.POSITIVE_INFINITY } },
  },
  /** A new owner starts without a claim on the storage. */
  'claim skipped': {
    plan: ISLAND,
    rules: { ...RULES, claims: (store) => ({ ...methodsOf(store), create: async () => true }) },
  },
  'T_wait 0': { plan: SLOW_LOOKS, rules: { ...RULES, times: { ...OWNERSHIP_TIMES, wait: 0 } } },
  /** A lease that lapsed is renewed as if nothing had been, with all that was under it. */
  'lapsed lease renewed': {
    plan: SLOW_RETURN,
    rules: {
      ...RULES,
      policy: { ...PROOF_POLICY, outlivesLapse: true },
      coordination: (coordination) => {
        let last: Renewal | undefined;
        return {
          ...methodsOf(coordination),
          renew: async (...given) => {
            const renewal = await coordination.renew(...given);
            if (renewal.held) last = renewal;
            return renewal.held || !last ? renewal : last;
          },
        };
      },
    },
  },
  'proof counted from its answer': {
    plan: SLOW_LOOKS,
    rules: { ...RULES, policy: { ...PROOF_POLICY, countsFrom: (_asked, answered) => answered } },
  },
  /** A move is written whatever became of it since it was read. */
  'moves written over': {
    plan: DRAINS_TAKEN_BACK,
    rules: {
      ...RULES,
      coordination: (coordination) => ({
        ...methodsOf(coordination),
        saveMove: async (move) => {
          const known = (await coordination.moves()).find(({ id }) => id === move.id);
          return coordination.saveMove(move, known?.state ?? null);
        },
      }),
    },
  },
  /** An emptied Redis, and one that fell behind, are taken for the one that was there before. */
  'era ignored': {
    plan: REDIS_ONLY,
    rules: {
      ...RULES,
      coordination: (coordination) => ({
        ...methodsOf(coordination),
        acquire: async (...given) => ({ ...(await coordination.acquire(...given)), identity: SAME }),
        renew: async (...given) => ({ ...(await coordination.renew(...given)), identity: SAME }),
        leases: async () => ({ ...(await coordination.leases()), identity: SAME }),
        lead: async (...given) => ({ ...(await coordination.lead(...given)), identity: SAME }),
      }),
    },
  },
};

const SAME = { era: 'one', server: 'one' };

/** An object's methods as functions of their own, so that some can be replaced by spreading. */
function methodsOf<T extends object>(target: T): T {
  const own = Object.keys(target);
  const names = own.length > 0 ? own : Object.getOwnPropertyNames(Object.getPrototypeOf(target));
  const methods = names.flatMap((name) => {
    const value: unknown = Reflect.get(target, name);
    return typeof value === 'function' && name !== 'constructor' ? [[name, value.bind(target)]] : [];
  });
  return Object.fromEntries(methods);
}
