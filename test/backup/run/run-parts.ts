import { StoredCatalog } from '../../../backup/manifest/stored-catalog.ts';
import type { OperationHandle } from '../../../backup/operations.ts';
import type { BackupRunParts } from '../../../backup/run/backup-run.ts';
import { Distrusted } from '../../../backup/run/distrusted.ts';
import { systemClock } from '../../../common/clock.ts';
import { createLogger } from '../../../common/logger.ts';
import { memoryObjects } from '../../helpers/backed-up-session.ts';
import { CopyableSessions } from '../../helpers/copyable-sessions.ts';
import { HandClock } from '../../helpers/hand-clock.ts';

/** A handle of an operation that a test looks at and aborts. */
export class TestHandle implements OperationHandle {
  readonly id = 'run-1';
  readonly controller = new AbortController();
  readonly findings: string[] = [];
  readonly progress: Record<string, unknown>[] = [];
  /** The last word on everything. */
  readonly now: Record<string, unknown> = {};

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  set(progress: object): void {
    this.progress.push({ ...progress });
    Object.assign(this.now, progress);
  }

  find(text: string): void {
    this.findings.push(text);
  }
}

/** Runs over a fleet and a store in memory. The wall clock goes on by an hour with each run. */
export function runParts(changes: Partial<BackupRunParts> = {}) {
  const fleet = new CopyableSessions();
  const { store, objects } = memoryObjects();
  const hand = new HandClock();
  const start = Date.parse('2026-11-22T09:00:03Z') - hand.now();
  const catalog = new StoredCatalog(store);
  const parts: BackupRunParts = {
    storage: fleet,
    instances: fleet,
    objects,
    store,
    catalog,
    distrusted: new Distrusted(),
    confirm: async (term) => term.throwIfAborted(),
    concurrency: 4,
    version: '0.1.0',
    clock: { ...systemClock, now: () => start + hand.now(), sleep: systemClock.sleep },
    log: createLogger('silent', {}, process.stderr),
    onCopied: () => {},
    retryAfter: 1,
    ...changes,
  };
  return { parts, fleet, store, objects, catalog, hour: () => hand.pass(3_600_000), hand };
}
