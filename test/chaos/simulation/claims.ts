import type { ClaimStore } from '../../../fleet/claims.ts';
import { MemoryClaims } from '../../../fleet/memory-claims.ts';
import type { Environment } from './environment.ts';
import type { Process } from './process.ts';

/** How long what one host made may not show on another, milliseconds: above what was measured (0.68 s), below `T_wait` less `T_auth`. */
const STALE = 900;

/** The claims as a process of a host sees them: late by what its client caches, and only while it reaches the storage. A call that hangs may be done long after. */
export function claimsOn(env: Environment, process: Process, host: string): ClaimStore {
  const { storage, network, random } = env;
  const delay = () => (random.chance(0.3) ? random.between(0, STALE) : 0);
  const claims = new MemoryClaims(storage.claims, host, { delay });
  const ask = <T>(question: () => Promise<T>) =>
    network.ask(process, host, storage.server, question, {
      code: 'storage_unavailable',
      giveUp: Number.POSITIVE_INFINITY,
    });
  return {
    workspaces: () => ask(() => claims.workspaces()),
    highest: (workspace) => ask(() => claims.highest(workspace)),
    create: (claim) => ask(() => claims.create(claim)),
    release: (workspace, epoch) => ask(() => claims.release(workspace, epoch)),
  };
}
