import type { Clock } from '../common/clock.ts';
import { messageOf, WharfError } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import type { BackupId, Operation } from '../fleet/backup/api.ts';
import { newStampedId } from '../fleet/stamped-ids.ts';
import { secondsLeft } from './progress.ts';

/** Operations that ended and are still told of. */
const KEPT = 100;
/** Findings of one operation that are kept; a last one says that there were more. */
const MOST_FINDINGS = 1000;

/** What an operation tells of itself while it goes on. */
export interface OperationProgress {
  done: number;
  total: number | null;
  failed: number;
  bytes: number;
  doing: string | null;
}

/** What the work of an operation is given. */
export interface OperationHandle {
  readonly id: string;
  /** Aborted where the operation must end: the lease was lost, or the service stops. */
  readonly signal: AbortSignal;
  set(progress: Partial<OperationProgress>): void;
  /** Adds a finding, in words; the log tells of it too. */
  find(text: string): void;
}

/** What {@link Operations} needs. */
export interface OperationsParts {
  /** Aborted when this service is not the one that makes the backups any more; throws `backup_unavailable` where it is not now. */
  term: () => AbortSignal;
  /** Hears how each ended. */
  onEnd?: (kind: Operation['kind'], outcome: Exclude<Operation['state'], 'running'>) => void;
  clock: Clock;
  log: Logger;
}

interface Entry {
  operation: Operation;
  started: number;
  ended: Promise<Operation>;
}

/** What does not go on beside what. A pruning goes alone: it removes what the others are about to name, or to read. A verification of everything may take hours, and no hourly run waits for it. */
const APART: Record<Operation['kind'], readonly Operation['kind'][]> = {
  run: ['run', 'prune'],
  verify: ['verify', 'prune'],
  prune: ['run', 'verify', 'prune'],
};

/**
 * Runs, verifications and prunings: one of each at a time, and no pruning beside another. An operation is `running`, then `done`, `failed` (its work threw) or `cancelled` (it was told to end).
 */
export class Operations {
  readonly #parts: OperationsParts;
  readonly #entries: Entry[] = [];

  constructor(parts: OperationsParts) {
    this.#parts = parts;
  }

  /**
   * Begins an operation; its work goes on after this returned.
   *
   * @throws WharfError `backup_busy` where one runs that it cannot go on beside; `backup_unavailable` where this service is not the one that makes the backups
   */
  begin(
    kind: Operation['kind'],
    work: (handle: OperationHandle) => Promise<{ backup?: BackupId } | undefined>,
  ): Operation {
    const signal = this.#parts.term();
    const running = this.#running(APART[kind]);
    if (running)
      throw new WharfError(
        'backup_busy',
        `The backup service is at a ${running.kind} (${running.id}) since ${running.started_at}. Wait for its end: wharf backup operations.`,
        { retryAfter: 10, extra: { operation: running.id } },
      );
    const operation = this.#fresh(kind);
    const entry: Entry = {
      operation,
      started: this.#parts.clock.monotonic(),
      ended: Promise.resolve(operation),
    };
    this.#entries.unshift(entry);
    while (this.#entries.length > KEPT) this.#forgetOldest();
    entry.ended = this.#work(entry, signal, work);
    return this.#shown(entry);
  }

  /** Newest first. */
  list(): Operation[] {
    return this.#entries.map((entry) => this.#shown(entry));
  }

  get(id: string): Operation | undefined {
    const entry = this.#entry(id);
    return entry && this.#shown(entry);
  }

  /** What goes on now: a run before all else. */
  running(): Operation | null {
    const entries = this.#entries.filter(({ operation }) => operation.state === 'running');
    const entry = entries.find(({ operation }) => operation.kind === 'run') ?? entries[0];
    return entry ? this.#shown(entry) : null;
  }

  isRunning(kind: Operation['kind']): boolean {
    return this.#running([kind]) !== undefined;
  }

  /** An operation as it ended; never rejects. Undefined where there is none of that id. */
  async ended(id: string): Promise<Operation | undefined> {
    return await this.#entry(id)?.ended;
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    await Promise.all(this.#entries.map(({ ended }) => ended));
  }

  /** Of those that have ended: what goes on keeps others from beginning. */
  #forgetOldest(): void {
    const oldest = this.#entries.findLastIndex(({ operation }) => operation.state !== 'running');
    this.#entries.splice(oldest, 1);
  }

  #entry(id: string): Entry | undefined {
    return this.#entries.find(({ operation }) => operation.id === id);
  }

  #running(kinds: readonly Operation['kind'][]): Operation | undefined {
    return this.#entries
      .map(({ operation }) => operation)
      .find(({ kind, state }) => state === 'running' && kinds.includes(kind));
  }

  #fresh(kind: Operation['kind']): Operation {
    const now = this.#parts.clock.now();
    return {
      id: newStampedId(kind, now),
      kind,
      state: 'running',
      started_at: new Date(now).toISOString(),
      ended_at: null,
      done: 0,
      total: null,
      failed: 0,
      bytes: 0,
      left_seconds: null,
      doing: null,
      error: null,
      backup: null,
      findings: [],
    };
  }

  async #work(
    { operation }: Entry,
    signal: AbortSignal,
    work: (handle: OperationHandle) => Promise<{ backup?: BackupId } | undefined>,
  ): Promise<Operation> {
    const { clock, log } = this.#parts;
    const handle: OperationHandle = {
      id: operation.id,
      signal,
      set: (progress) => Object.assign(operation, progress),
      find: (text) => this.#find(operation, text),
    };
    try {
      const outcome = await work(handle);
      operation.backup = outcome?.backup ?? null;
      operation.state = 'done';
      this.#parts.onEnd?.(operation.kind, 'done');
    } catch (error) {
      operation.state = signal.aborted ? 'cancelled' : 'failed';
      this.#parts.onEnd?.(operation.kind, operation.state);
      operation.error = signal.aborted ? `It was ended. ${messageOf(signal.reason)}` : messageOf(error);
      log.warn(
        { operation: operation.id, state: operation.state, reason: messageOf(error) },
        'an operation did not come to its end',
      );
    }
    operation.ended_at = new Date(clock.now()).toISOString();
    operation.doing = null;
    return operation;
  }

  /** What is kept goes to the log too: the list of operations ends with this process, and whoever is sent there comes later. */
  #find({ id, kind, findings }: Operation, text: string): void {
    if (findings.length >= MOST_FINDINGS) return;
    const isLast = findings.length === MOST_FINDINGS - 1;
    const finding = isLast ? 'There are more; only the first ones are kept.' : text;
    findings.push(finding);
    this.#parts.log.warn({ operation: id, kind, finding }, 'an operation found something');
  }

  #shown({ operation, started }: Entry): Operation {
    const left =
      operation.state === 'running' ? secondsLeft(operation, this.#parts.clock.monotonic() - started) : null;
    return { ...operation, left_seconds: left, findings: [...operation.findings] };
  }
}
