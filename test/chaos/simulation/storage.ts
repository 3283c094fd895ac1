import type { ClaimStore } from '../../../fleet/claims.ts';
import type { WorkspaceId } from '../../../fleet/ids.ts';
import { MemoryClaimStorage, MemoryClaims } from '../../../fleet/memory-claims.ts';
import { Server } from './network.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

/** How long what one host made may not show on another, milliseconds: above what was measured (0.68 s), below `T_wait` less `T_auth`. */
const STALE = 900;

/** The one session of a simulated workspace, as the storage has it. */
export interface SimulatedProfile {
  /** By whom the record was written last: a lower epoch's late write does not count (`session-{epoch}.json`). */
  recordEpoch: number;
  generation: number;
}

/** The shared storage of a simulated world: claims, and of each workspace the generation that its session's profile is in. */
export class Storage {
  readonly server = new Server('storage');
  readonly claims: MemoryClaimStorage;
  readonly #profiles = new Map<WorkspaceId, SimulatedProfile>();

  constructor(clock: MemoryClaimStorage['clock']) {
    this.claims = new MemoryClaimStorage(clock);
  }

  profile(workspace: WorkspaceId): SimulatedProfile {
    return this.#profiles.get(workspace) ?? { recordEpoch: 0, generation: 1 };
  }

  /** Writes a session's record; what an epoch wrote is never covered by an earlier one's. */
  writeProfile(workspace: WorkspaceId, profile: SimulatedProfile): boolean {
    if (this.profile(workspace).recordEpoch > profile.recordEpoch) return false;
    this.#profiles.set(workspace, profile);
    return true;
  }
}

/** The claims as a process of a host sees them: late by what its client caches, and only while it reaches the storage. A call that hangs may be done long after. */
export function claimsOn(world: World, process: Process, host: string): ClaimStore {
  const { storage, network, random } = world;
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
