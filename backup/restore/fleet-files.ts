import { basename, dirname, join } from 'node:path';
import { createExclusive, exists, makePrivateSubdirectory } from '../../common/files.ts';
import { revokedKeyPath } from '../../fleet/api-keys.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import type { SessionPaths } from '../../fleet/session-paths.ts';
import type { FleetFile } from '../manifest/manifest.ts';

const TOKEN = 'internal-token';

/** No part of a path leads elsewhere, or is a draft's name. */
const PATH = /^([A-Za-z0-9_-][A-Za-z0-9_.-]*)(\/[A-Za-z0-9_-][A-Za-z0-9_.-]*){0,3}$/;

/** The fleet's own files on the session path: API keys, webhooks, quarantines, and the token that its processes know each other by. */
export class FleetFiles {
  readonly #paths: SessionPaths;
  readonly #token: string | null;

  /** @param token what the internal token on the storage is, or was; null where the environment gives it */
  constructor(paths: SessionPaths, token: string | null) {
    this.#paths = paths;
    this.#token = token;
  }

  /**
   * Those of a backup that are not there, by path, but for keys that were revoked. Throws WharfError `storage_unavailable`.
   *
   * @param workspace only what belongs to it: its webhook
   */
  async missing(files: readonly FleetFile[], workspace?: WorkspaceId): Promise<string[]> {
    const missing: string[] = [];
    for (const { path } of files) {
      if (workspace !== undefined && path !== `webhooks/${workspace}.json`) continue;
      if (PATH.test(path) && path !== TOKEN && !(await this.#isSettled(path))) missing.push(path);
    }
    return missing;
  }

  /**
   * Writes back those of a backup that are wanted, and the token; never over one that is there. Throws WharfError `storage_unavailable`.
   *
   * @param wanted their paths
   */
  async writeBack(files: readonly FleetFile[], wanted: readonly string[]): Promise<void> {
    // Whoever starts next would make another token, and nobody who runs would know it.
    if (this.#token !== null) await this.#write({ path: TOKEN, text: `${this.#token}\n` });
    for (const file of files)
      if (wanted.includes(file.path) && PATH.test(file.path) && file.path !== TOKEN) await this.#write(file);
  }

  /** Whether a file is there, or is not to be: its key was revoked. */
  async #isSettled(path: string): Promise<boolean> {
    const whole = this.#pathOf(path);
    const isKey = dirname(path) === 'keys' && path.endsWith('.json');
    return (
      (await exists(whole)) ||
      (isKey && (await exists(revokedKeyPath(dirname(whole), basename(path, '.json')))))
    );
  }

  async #write({ path, text }: FleetFile): Promise<void> {
    const whole = this.#pathOf(path);
    if (await this.#isSettled(path)) return;
    await makePrivateSubdirectory(this.#paths.fleet());
    const folders = dirname(path) === '.' ? [] : dirname(path).split('/');
    for (let depth = 1; depth <= folders.length; depth += 1)
      await makePrivateSubdirectory(join(this.#paths.fleet(), ...folders.slice(0, depth)));
    await createExclusive(whole, text);
  }

  #pathOf(path: string): string {
    return join(this.#paths.fleet(), path);
  }
}
