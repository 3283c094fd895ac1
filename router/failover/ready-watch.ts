import type { WorkspaceId } from '../../fleet/ids.ts';
import type { FleetFacts } from './facts.ts';
import type { FailoverRecorder } from './recorder.ts';

/** What is not ready after so long is no longer waited for: it may wait for a QR, or be stopped. Milliseconds. */
const PATIENCE = 600_000;

/** Measures how long the sessions of workspaces that were taken over take to be ready, from the notice of the death on. Times are monotonic. */
export class ReadyWatch {
  readonly #facts: Pick<FleetFacts, 'workspace'>;
  readonly #recorder: FailoverRecorder;
  readonly #watched = new Map<WorkspaceId, { epoch: number; noticedAt: number; seen: Set<string> }>();

  constructor(facts: Pick<FleetFacts, 'workspace'>, recorder: FailoverRecorder) {
    this.#facts = facts;
    this.#recorder = recorder;
  }

  /** Workspaces that are waited for. */
  get waitedFor(): number {
    return this.#watched.size;
  }

  /** @param epoch the one it got by the takeover */
  takenOver(workspace: WorkspaceId, epoch: number, noticedAt: number): void {
    this.#watched.set(workspace, { epoch, noticedAt, seen: new Set() });
  }

  tick(now: number): void {
    for (const [workspace, { epoch, noticedAt, seen }] of this.#watched) {
      const facts = this.#facts.workspace(workspace);
      for (const { session, epoch: readyAt } of facts.ready) {
        if (readyAt < epoch || seen.has(session)) continue;
        seen.add(session);
        this.#recorder.readyAgain(now - noticedAt);
      }
      if (seen.size >= facts.sessions || now - noticedAt > PATIENCE) this.#watched.delete(workspace);
    }
  }
}
