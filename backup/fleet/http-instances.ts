import type { Readable } from 'node:stream';
import type { Clock } from '../../common/clock.ts';
import { isWharfError, WharfError } from '../../common/errors.ts';
import { type ObjectRef, type SessionCopy, sessionCopySchema } from '../../fleet/backup/session-copy.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import { instanceSessionPath, restoreAnswerSchema } from '../../fleet/instance-api.ts';
import { type SessionDetail, sessionDetailSchema } from '../../fleet/records.ts';
import type { InstanceCall, InstanceCalls } from './instance-calls.ts';
import type { Instances, OpenCopy } from './instances.ts';
import type { Owner, Owners } from './owners.ts';
import type { SessionName } from './sessions-on-storage.ts';
import { whileWell } from './while-well.ts';

/** How often it is looked whether an instance that copies is well, milliseconds, and how many looks a copy may take: five minutes for a large profile on a slow file system. */
const COPY_LOOKS = 30_000;
const MOST_COPY_LOOKS = 10;
/** Milliseconds an instance may take for each thing it is asked. Putting a session in place ends a browser first. */
const COPY_PATIENCE = COPY_LOOKS * (MOST_COPY_LOOKS + 1);
const FETCH_PATIENCE = 30_000;
const LOOK_PATIENCE = 10_000;
const RESTORE_PATIENCE = 180_000;
const CLOSE_PATIENCE = 5000;

/** How long the owner of a workspace is looked for, where it changes or is away, milliseconds: for a copy, which a run tries again later, and for the rest, which a takeover (22 s) must not fail. */
const COPY_SEARCH = 5000;
/** And for all copies together between two looks at who owns what: where an instance is away for long, the others' backup must not wait for each of its sessions. */
const COPY_SEARCHES = 30_000;
const SEARCH = 60_000;
/** Between two looks, milliseconds. */
const LOOK_PAUSE = 1000;

/** Objects that an owner is told of: as many as it takes. Those beyond are kept for fetching, and not fetched. */
const MOST_HAD = 20_000;

/** The instances of the fleet over HTTP; see {@link Instances}. */
export class HttpInstances implements Instances {
  readonly #owners: Owners;
  readonly #calls: InstanceCalls;
  readonly #clock: Clock;
  /** What is left of it, milliseconds. */
  #searches = COPY_SEARCHES;

  constructor(owners: Owners, calls: InstanceCalls, clock: Clock) {
    this.#owners = owners;
    this.#calls = calls;
    this.#clock = clock;
  }

  async owners(): Promise<ReadonlyMap<WorkspaceId, string>> {
    this.#calls.keepOnly(await this.#owners.urls());
    this.#searches = COPY_SEARCHES;
    return await this.#owners.all();
  }

  async copy(name: SessionName, have: readonly string[], signal: AbortSignal): Promise<OpenCopy> {
    const path = `${pathOf(name)}/copies`;
    const call: InstanceCall = {
      method: 'POST',
      path,
      body: { have: have.slice(0, MOST_HAD) },
      patience: COPY_PATIENCE,
    };
    const asked = ({ url, instance }: Owner) => {
      const what = `The copy of session ${name.session} of workspace ${name.workspace} from ${instance}`;
      const waiting = {
        clock: this.#clock,
        interval: COPY_LOOKS,
        most: MOST_COPY_LOOKS,
        look: (ends: AbortSignal) => this.#look(url, ends),
      };
      return whileWell(what, waiting, signal, (ends) =>
        this.#calls.ask(url, { ...call, signal: ends }, sessionCopySchema),
      );
    };
    const patience = Math.max(0, Math.min(COPY_SEARCH, this.#searches));
    try {
      const { owner, answer } = await this.#atOwner(name, patience, asked, signal);
      return this.#opened(owner.url, path, answer);
    } catch (error) {
      if (isElsewhere(error)) this.#searches -= patience;
      throw error;
    }
  }

  /** Throws WharfError `instance_unavailable` where the instance at an address is not well. */
  async #look(url: string, signal: AbortSignal): Promise<void> {
    const call: InstanceCall = { method: 'GET', path: '/health', patience: LOOK_PATIENCE, signal };
    await (await this.#calls.open(url, call)).dump();
  }

  async session(name: SessionName): Promise<SessionDetail | null> {
    const call: InstanceCall = { method: 'GET', path: pathOf(name), patience: LOOK_PATIENCE };
    try {
      const asked = ({ url }: Owner) => this.#calls.ask(url, call, sessionDetailSchema);
      return (await this.#atOwner(name, SEARCH, asked)).answer;
    } catch (error) {
      if (isWharfError(error, 'session_not_found')) return null;
      throw error;
    }
  }

  async restore(name: SessionName, restore: string, signal: AbortSignal) {
    return await this.#order(name, 'restore', restore, signal);
  }

  async undoRestore(name: SessionName, restore: string, signal: AbortSignal) {
    return await this.#order(name, 'undo-restore', restore, signal);
  }

  async #order(name: SessionName, what: string, restore: string, signal: AbortSignal) {
    const full = new Set<string>();
    const asked = async ({ instance, url, adopts }: Owner) => {
      const call: InstanceCall = {
        method: 'POST',
        path: `${pathOf(name)}/${what}`,
        body: { restore },
        patience: RESTORE_PATIENCE,
        adopts,
        signal,
      };
      try {
        return await this.#calls.ask(url, call, restoreAnswerSchema);
      } catch (error) {
        // One that filled up meanwhile: the next by placement is asked.
        if (adopts && isWharfError(error, 'no_capacity')) {
          full.add(instance);
          throw new WharfError('instance_unavailable', error.message, { cause: error });
        }
        throw error;
      }
    };
    return (await this.#atOwner(name, SEARCH, asked, signal, { full })).answer;
  }

  /**
   * Asks the owner of a session's workspace, and again, with a fresh look at who that is, where it is another's by now, can't be reached or must first prove
   * that it still owns it.
   */
  async #atOwner<T>(
    { workspace }: SessionName,
    patience: number,
    ask: (owner: Owner) => Promise<T>,
    signal?: AbortSignal,
    adopting: { full: ReadonlySet<string> } | null = null,
  ): Promise<{ owner: Owner; answer: T }> {
    const end = this.#clock.monotonic() + patience;
    for (;;) {
      signal?.throwIfAborted();
      try {
        const owner = await this.#owners.of(workspace, adopting);
        return { owner, answer: await ask(owner) };
      } catch (error) {
        if (!isElsewhere(error) || this.#clock.monotonic() + LOOK_PAUSE > end) throw error;
      }
      await this.#clock.sleep(LOOK_PAUSE, signal);
    }
  }

  #opened(url: string, path: string, copy: SessionCopy): OpenCopy {
    const copyPath = `${path}/${encodeURIComponent(copy.copy ?? '')}`;
    const fetched = (what: string, signal: AbortSignal): Promise<Readable> =>
      this.#calls.open(url, {
        method: 'GET',
        path: `${copyPath}/${what}`,
        patience: FETCH_PATIENCE,
        signal,
      });
    return {
      copy,
      archive: (signal) => fetched('archive', signal),
      piece: ({ sha256 }: ObjectRef, signal) => fetched(`pieces/${sha256}`, signal),
      close: async () => {
        if (copy.copy === null) return;
        const call: InstanceCall = { method: 'DELETE', path: copyPath, patience: CLOSE_PATIENCE };
        // An instance that is away ends its copies by itself, ten minutes after they were last asked for.
        await this.#calls
          .open(url, call)
          .then((body) => body.dump())
          .catch(() => undefined);
      },
    };
  }
}

function pathOf({ workspace, session }: SessionName): string {
  return instanceSessionPath(workspace, session);
}

/** Whether a fresh look at who owns the workspace may help. */
function isElsewhere(error: unknown): boolean {
  return (
    isWharfError(error, 'not_owner') ||
    isWharfError(error, 'instance_unavailable') ||
    isWharfError(error, 'ownership_unproved') ||
    isWharfError(error, 'shutting_down')
  );
}
