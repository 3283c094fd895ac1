import pMap from 'p-map';
import type { Clock } from '../../common/clock.ts';
import { messageOf, WharfError } from '../../common/errors.ts';
import { newRestoreId } from '../../fleet/backup/restore-ids.ts';
import { IMPORTS_PATH, importAnswerSchema } from '../../fleet/imports.ts';
import { type SessionDetail, type SessionStatus, sessionDetailSchema } from '../../fleet/records.ts';
import type { SessionPaths } from '../../fleet/session-paths.ts';
import type { RouterClient } from '../client.ts';
import { CommandFailure } from '../failure.ts';
import { sessionRequest } from '../sessions.ts';
import type { Use } from './in-use.ts';
import { itemKey, type PlanItem, type Target } from './plan.ts';
import { type PreparedProfile, prepareProfile, removePrepared } from './prepare.ts';
import type { ImportState } from './state-file.ts';

/** Milliseconds the router may take: the owner reads the profile whole, and may have to end a browser. */
const ORDER_PATIENCE = 240_000;
/** Between two looks whether a session is ready, milliseconds. */
const LOOK_PAUSE = 1000;

/** Answers after which the owner may have put the profile in place all the same, or may still do so. */
const OPEN: ReadonlySet<string> = new Set([
  'stopped',
  'timeout',
  'unreachable',
  'not_wharf',
  'internal',
  'instance_unavailable',
  'ownership_unproved',
  'not_owner',
  'browser_failed',
  'storage_unavailable',
  'shutting_down',
]);

/** Statuses in which nothing more is to be waited for. */
const SETTLED: ReadonlySet<SessionStatus> = new Set(['ready', 'qr', 'logged_out', 'failed', 'stopped']);

/** How one profile came out. */
export interface ImportResult {
  item: PlanItem;
  outcome: 'imported' | 'failed';
  /** Of the session, as it was seen last; null where it is not in place. */
  status: SessionStatus | null;
  phone: string | null;
  error: { code: string; detail: string } | null;
  tornLogs: number;
  notes: string[];
}

/** What an import is carried out with. */
export interface ImporterParts {
  paths: SessionPaths;
  router: Pick<RouterClient, 'ask'>;
  state: ImportState;
  /** Whether a profile is in use now; see `in-use.ts`. */
  useOf: (userData: string) => Promise<Use | null>;
  clock: Clock;
  signal: AbortSignal;
  replace: boolean;
  /** Profiles that are brought in at one time. */
  parallel: number;
  /** Milliseconds for which a session is waited for to be ready; 0: not at all. */
  wait: number;
  /** Told of each as it changes. */
  told: (item: PlanItem, doing: 'copying' | 'placing' | 'starting' | 'done') => void;
}

/** Imports profiles: each is copied to the shared storage, put in place by the owner of its workspace, and waited for. One that fails holds up no other. */
export class Importer {
  readonly #parts: ImporterParts;

  constructor(parts: ImporterParts) {
    this.#parts = parts;
  }

  async run(items: readonly PlanItem[]): Promise<ImportResult[]> {
    const results = await pMap(
      items,
      async (item) => {
        if (item.target === null || this.#parts.signal.aborted) return null;
        return await this.#importOne(item, item.target);
      },
      { concurrency: this.#parts.parallel },
    );
    return results.filter((result) => result !== null);
  }

  async #importOne(item: PlanItem, target: Target): Promise<ImportResult> {
    const result: ImportResult = {
      item,
      outcome: 'failed',
      status: null,
      phone: null,
      error: null,
      tornLogs: 0,
      notes: [],
    };
    try {
      if (!(await this.#goneOnWith(item, target))) {
        const { tornLogs, notes } = await this.#bringIn(item, target);
        Object.assign(result, { tornLogs, notes });
      }
      result.outcome = 'imported';
      this.#parts.told(item, 'starting');
      const session = await this.#settled(target);
      result.status = session?.status ?? null;
      result.phone = session?.phone_number ?? null;
    } catch (error) {
      result.error = { code: codeOf(error), detail: messageOf(error) };
    }
    this.#parts.told(item, 'done');
    return result;
  }

  /**
   * Whether an owner that was asked in an earlier run has it in place, or goes on with it now. What it had not begun with is copied anew: the original may have been
   * used since.
   */
  async #goneOnWith(item: PlanItem, target: Target): Promise<boolean> {
    const { paths, state } = this.#parts;
    const key = itemKey(item.profile.directory, target);
    const id = state.ordered(key);
    if (id === null) return false;
    if (await removePrepared(paths, target, id)) {
      await state.forget(key);
      return false;
    }
    try {
      await this.#order(item, target, id);
      return true;
    } catch (error) {
      if (OPEN.has(codeOf(error))) throw error;
      await this.#giveUp(key, target, id);
      return false;
    }
  }

  async #bringIn(item: PlanItem, target: Target): Promise<PreparedProfile> {
    const { clock, paths, replace, signal, told } = this.#parts;
    told(item, 'copying');
    const now = clock.now();
    const id = newRestoreId(now);
    const prepared = await prepareProfile({ profile: item.profile, target, id, replace, now }, paths, signal);
    try {
      await this.#requireUnused(item.profile.directory);
      await this.#order(item, target, id);
    } catch (error) {
      if (!OPEN.has(codeOf(error))) await this.#giveUp(itemKey(item.profile.directory, target), target, id);
      throw error;
    }
    return prepared;
  }

  /** Time has passed since the plan was made: what used it may have been started again, and have written nothing while it was copied. */
  async #requireUnused(directory: string): Promise<void> {
    const use = await this.#parts.useOf(directory);
    if (use?.kind !== 'in_use') return;
    throw new WharfError(
      'invalid_state',
      `Process ${use.pid} has ${directory} open: it was started since this import began. Stop it for good; then import it again.`,
    );
  }

  /** Has the owner put it in place. Written down before it is asked, and when it has answered. */
  async #order({ profile, ...item }: PlanItem, target: Target, id: string): Promise<void> {
    const { clock, router, state, told } = this.#parts;
    const { workspace, session } = target;
    const entry = { directory: profile.directory, workspace_id: workspace, session_id: session, import: id };
    const now = () => new Date(clock.now()).toISOString();
    told({ profile, ...item }, 'placing');
    await state.note({ ...entry, state: 'ordered', at: now() });
    await router.ask(importAnswerSchema, {
      method: 'POST',
      path: IMPORTS_PATH,
      body: { workspace_id: workspace, session_id: session, import: id },
      patience: ORDER_PATIENCE,
    });
    await state.note({ ...entry, state: 'imported', at: now() });
  }

  async #giveUp(key: string, target: Target, id: string): Promise<void> {
    await removePrepared(this.#parts.paths, target, id).catch(() => undefined);
    await this.#parts.state.forget(key);
  }

  /** The session when there is nothing more to wait for, or the time is up. What cannot be asked now is not known, and the import has not failed. */
  async #settled({ workspace, session }: Target): Promise<SessionDetail | null> {
    const { clock, router, signal, wait } = this.#parts;
    const end = clock.monotonic() + wait;
    for (;;) {
      const found = await router
        .ask(sessionDetailSchema, sessionRequest('GET', session, { workspace }))
        .catch(() => null);
      const isOver = clock.monotonic() + LOOK_PAUSE > end || signal.aborted;
      if (isOver || (found && SETTLED.has(found.status))) return found;
      await clock.sleep(LOOK_PAUSE, signal).catch(() => undefined);
    }
  }
}

function codeOf(error: unknown): string {
  if (error instanceof CommandFailure || error instanceof WharfError) return error.code;
  return 'internal';
}
