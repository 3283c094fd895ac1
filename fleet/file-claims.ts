import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, systemCode, WharfError } from '../common/errors.ts';
import { createExclusive, exists, makePrivateSubdirectory, readJson, storageError } from '../common/files.ts';
import type { ClaimStore, HighestClaim } from './claims.ts';
import type { WorkspaceId } from './ids.ts';
import { type Claim, claimSchema } from './records.ts';
import { parseWorkspaceDirectory, type SessionPaths } from './session-paths.ts';

/** Claims as files of the shared storage, `owners/{epoch}`; see {@link ClaimStore}. */
export class FileClaims implements ClaimStore {
  readonly #paths: SessionPaths;

  constructor(paths: SessionPaths) {
    this.#paths = paths;
  }

  /** The workspaces that have a directory. Throws `storage_unavailable`. */
  async workspaces(): Promise<WorkspaceId[]> {
    try {
      return (await readdir(this.#paths.root)).flatMap((name) => parseWorkspaceDirectory(name) ?? []);
    } catch (error) {
      throw storageError('list the workspaces of', this.#paths.root, error);
    }
  }

  /**
   * The highest claim of a workspace, or undefined where there is none. Throws `storage_unavailable`.
   *
   * Lists the claims and looks for the next name: either alone was seen to miss a claim for half a minute on NFS, the list where it is mounted
   * with `nocto`, the name where it is mounted without `lookupcache=positive` (docs/nfs.md).
   */
  async highest(workspace: WorkspaceId): Promise<HighestClaim | undefined> {
    const directory = this.#paths.owners(workspace);
    let names: string[];
    try {
      names = await readdir(directory);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw storageError('list the claims in', directory, error);
    }
    const epochs = names
      .filter((name) => /^[1-9]\d{0,14}$/.test(name))
      .map(Number)
      .sort((a, b) => b - a);
    // Not opened: that waits out the grace period of a file server that was restarted, up to 90 s.
    for (let next = (epochs[0] ?? 0) + 1; await exists(this.#paths.claim(workspace, next)); next += 1)
      epochs.unshift(next);
    const [epoch, ...earlier] = epochs;
    if (epoch === undefined) return undefined;
    const claim = await this.#read(workspace, epoch);
    let lastReadable = claim;
    for (const older of earlier) {
      if (lastReadable !== null) break;
      lastReadable = await this.#read(workspace, older);
    }
    return { epoch, claim, lastReadable, released: names.includes(releaseName(epoch)) };
  }

  /**
   * Claims a workspace at an epoch; the file system lets one win.
   *
   * @returns false when somebody else has claimed that epoch
   * @throws WharfError `storage_unavailable`
   */
  async create(claim: Claim): Promise<boolean> {
    await makePrivateSubdirectory(this.#paths.workspace(claim.workspace_id));
    await makePrivateSubdirectory(this.#paths.owners(claim.workspace_id));
    return await createExclusive(
      this.#paths.claim(claim.workspace_id, claim.epoch),
      `${JSON.stringify(claim)}\n`,
    );
  }

  async release(workspace: WorkspaceId, epoch: number): Promise<void> {
    await createExclusive(join(this.#paths.owners(workspace), releaseName(epoch)), '');
  }

  async #read(workspace: WorkspaceId, epoch: number): Promise<Claim | null> {
    try {
      return (await readJson(this.#paths.claim(workspace, epoch), claimSchema)) ?? null;
    } catch (error) {
      if (
        error instanceof WharfError &&
        systemCode(error.cause) !== undefined &&
        systemCode(error.cause) !== 'ENOENT'
      )
        throw error;
      // Cut short by a crash of its maker, or of another version: it counts as taken, by nobody.
      if (error instanceof WharfError) return null;
      throw new WharfError(
        'storage_unavailable',
        `The claim ${epoch} of workspace ${workspace} cannot be read: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }
}

/** The file beside a claim that says that it was released. */
function releaseName(epoch: number): string {
  return `${epoch}.released`;
}
