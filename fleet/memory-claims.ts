import type { Clock } from '../common/clock.ts';
import { WharfError } from '../common/errors.ts';
import type { ClaimStore, HighestClaim } from './claims.ts';
import type { WorkspaceId } from './ids.ts';
import type { Claim } from './records.ts';

/** A name in a workspace's `owners/`: a claim, or that it was released. */
interface Entry {
  /** Null: it cannot be read. */
  claim: Claim | null;
  /** Who made it, and when, on the monotonic clock. */
  by: string;
  at: number;
}

/** What the server of a shared storage holds of claims: plain values, so that `structuredClone` copies all of it. */
export interface MemoryClaimsState {
  workspaces: Map<WorkspaceId, { claims: Map<number, Entry>; released: Map<number, Entry> }>;
}

/** The server of a shared storage in memory, for simulation; those who use it are {@link MemoryClaims}. */
export class MemoryClaimStorage {
  readonly clock: Pick<Clock, 'monotonic'>;
  state: MemoryClaimsState = { workspaces: new Map() };

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.clock = clock;
  }

  /** A workspace's directory without claims. */
  addWorkspace(workspace: WorkspaceId): void {
    if (!this.state.workspaces.has(workspace))
      this.state.workspaces.set(workspace, { claims: new Map(), released: new Map() });
  }

  /** A claim whose maker died while writing it. */
  spoil(workspace: WorkspaceId, epoch: number): void {
    this.addWorkspace(workspace);
    const entry = { claim: null, by: '', at: this.clock.monotonic() };
    this.state.workspaces.get(workspace)?.claims.set(epoch, entry);
  }
}

/**
 * Claims in memory as one host sees them; see {@link ClaimStore}. What others made shows late, as through the attribute cache of NFS; making
 * asks the server, so that one wins all the same. Every method has done its step before it returns its promise.
 */
export class MemoryClaims implements ClaimStore {
  readonly #storage: MemoryClaimStorage;
  readonly #reader: string;
  readonly #delay: () => number;
  /** When what others made shows here, on the monotonic clock: once seen, it stays seen. */
  readonly #shows = new WeakMap<Entry, number>();

  /**
   * @param reader the host
   * @param options.delay milliseconds until what another host made shows here, asked for each claim and release; 0 where there is none
   */
  constructor(storage: MemoryClaimStorage, reader: string, options: { delay?: () => number } = {}) {
    this.#storage = storage;
    this.#reader = reader;
    this.#delay = options.delay ?? (() => 0);
  }

  async workspaces(): Promise<WorkspaceId[]> {
    return [...this.#storage.state.workspaces.keys()];
  }

  async highest(workspace: WorkspaceId): Promise<HighestClaim | undefined> {
    const found = this.#storage.state.workspaces.get(workspace);
    const seen = [...(found?.claims ?? [])]
      .filter(([, entry]) => this.#sees(entry))
      .sort(([a], [b]) => b - a);
    const [newest] = seen;
    if (!newest) return undefined;
    const [epoch, { claim }] = newest;
    const lastReadable = seen.find(([, entry]) => entry.claim !== null)?.[1].claim ?? null;
    const release = found?.released.get(epoch);
    return {
      epoch,
      claim: claim && { ...claim },
      lastReadable: lastReadable && { ...lastReadable },
      released: release !== undefined && this.#sees(release),
    };
  }

  async create(claim: Claim): Promise<boolean> {
    this.#storage.addWorkspace(claim.workspace_id);
    const claims = this.#storage.state.workspaces.get(claim.workspace_id)?.claims;
    if (!claims || claims.has(claim.epoch)) return false;
    claims.set(claim.epoch, this.#entry({ ...claim }));
    return true;
  }

  async release(workspace: WorkspaceId, epoch: number): Promise<void> {
    const found = this.#storage.state.workspaces.get(workspace);
    if (!found || found.claims.size === 0)
      throw new WharfError(
        'storage_unavailable',
        `Workspace ${workspace} has no claims, so none can be released.`,
      );
    if (!found.released.has(epoch)) found.released.set(epoch, this.#entry(null));
  }

  #entry(claim: Claim | null): Entry {
    return { claim, by: this.#reader, at: this.#storage.clock.monotonic() };
  }

  #sees(entry: Entry): boolean {
    if (entry.by === this.#reader) return true;
    const shows = this.#shows.get(entry) ?? entry.at + this.#delay();
    this.#shows.set(entry, shows);
    return shows <= this.#storage.clock.monotonic();
  }
}
