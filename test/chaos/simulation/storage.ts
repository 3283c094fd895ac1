import type { WorkspaceId } from '../../../fleet/ids.ts';
import { MemoryClaimStorage } from '../../../fleet/memory-claims.ts';
import { Server } from './network.ts';

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
