import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { WharfError } from '../../common/errors.ts';
import {
  listNames,
  makePrivateDirectory,
  makePrivateSubdirectory,
  replaceFile,
  storageError,
} from '../../common/files.ts';
import { isWorkspaceId, type WorkspaceId } from '../../fleet/ids.ts';
import type { SessionPaths } from '../../fleet/session-paths.ts';
import type { FleetSettings } from './facts.ts';

/** What an instance's id may be made of: it names a file. */
const INSTANCE = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * The fleet's settings as files of the shared storage, one a flag, so that two routers that set two of them undo nothing of each other:
 *
 *     fleet/settings/draining/{instance}
 *     fleet/settings/quarantined/{workspace}
 *     fleet/settings/unfrozen
 */
export class FileSettings implements FleetSettings {
  readonly #fleet: string;
  readonly #root: string;
  #current: ReturnType<FleetSettings['current']> = {
    draining: new Set(),
    quarantined: new Set(),
    unfrozen: false,
  };

  constructor(paths: Pick<SessionPaths, 'fleet' | 'settings'>) {
    this.#fleet = paths.fleet();
    this.#root = paths.settings();
  }

  current() {
    return this.#current;
  }

  async reread(): Promise<void> {
    const draining = (await names(join(this.#root, 'draining'))).filter((name) => INSTANCE.test(name));
    const quarantined = (await names(join(this.#root, 'quarantined'))).filter(isWorkspaceId);
    const unfrozen = (await names(this.#root)).includes('unfrozen');
    this.#current = { draining: new Set(draining), quarantined: new Set(quarantined), unfrozen };
  }

  async setDraining(instance: string, draining: boolean): Promise<void> {
    if (!INSTANCE.test(instance)) throw misnamed(instance);
    await this.#set(['draining', instance], draining);
  }

  async setQuarantined(workspace: WorkspaceId, quarantined: boolean): Promise<void> {
    if (!isWorkspaceId(workspace)) throw misnamed(workspace);
    await this.#set(['quarantined', workspace], quarantined);
  }

  async setUnfrozen(unfrozen: boolean): Promise<void> {
    await this.#set(['unfrozen'], unfrozen);
  }

  async #set(path: readonly string[], present: boolean): Promise<void> {
    const file = join(this.#root, ...path);
    if (present) {
      await makePrivateDirectory(this.#fleet);
      await makePrivateSubdirectory(this.#root);
      if (path.length > 1) await makePrivateSubdirectory(join(this.#root, path[0] ?? ''));
      await replaceFile(file, '');
    } else {
      await rm(file, { force: true }).catch((error: unknown) => {
        throw storageError('remove the setting', file, error);
      });
    }
    await this.reread();
  }
}

function misnamed(id: string): WharfError {
  return new WharfError('invalid_request', `${JSON.stringify(id).slice(0, 80)} is not an id.`);
}

function names(directory: string): Promise<string[]> {
  return listNames(directory, 'read the settings in');
}
