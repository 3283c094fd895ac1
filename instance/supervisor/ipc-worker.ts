import type { Clock } from '../../common/clock.ts';
import { withinTime } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import type { InstanceMessage, SupervisorMessage } from './messages.ts';
import type { Grant, Worker } from './worker.ts';

/** How long an instance may take over what it is asked, milliseconds. */
export interface WorkerPatience {
  /** To end a workspace's browsers, before this process ends them itself. */
  kill: number;
  /** To answer that it has ended them, before it counts as hanging. */
  answer: number;
  /** To close one workspace, or all. */
  close: number;
}

/** What an IPC worker needs. */
export interface IpcWorkerParts {
  /** The instance's process. */
  instance: {
    readonly hasEnded: boolean;
    send(message: SupervisorMessage): void;
    kill(why: string): void;
  };
  /** Ends the browsers of some workspaces from outside; true when all were seen to end. */
  endBrowsers(workspaces: readonly WorkspaceId[]): Promise<boolean>;
  clock: Clock;
  /** A time of that clock as other processes of this host have it. */
  toHostClock(time: number): number;
  /** How old a proof may be, milliseconds. */
  authority: number;
  patience: WorkerPatience;
  log: Logger;
}

/**
 * An instance's process as a {@link Worker}. What it should end and does not, in time or because it is gone, this process ends itself:
 * browsers of a workspace whose authority is lost must not wait for one that hangs.
 */
export class IpcWorker implements Worker {
  readonly #parts: IpcWorkerParts;
  readonly #questions = new Map<number, (ended: readonly WorkspaceId[]) => void>();
  #nextId = 0;
  #extends = new Map<WorkspaceId, { epoch: number; until: number }>();
  #toEnd: { workspaces: Set<WorkspaceId>; ended: Promise<boolean> } | undefined;
  #ending: Promise<unknown> = Promise.resolve();

  constructor(parts: IpcWorkerParts) {
    this.#parts = parts;
  }

  run({ workspace, epoch, generation, released, startAt, until }: Grant): void {
    this.#send({
      kind: 'run',
      workspace,
      epoch,
      generation,
      released,
      start_at: this.#parts.toHostClock(startAt),
      until: this.#parts.toHostClock(until),
    });
  }

  /** The extensions of one turn of the event loop leave together: a renewal brings as many as there are workspaces. */
  extend(workspace: WorkspaceId, epoch: number, until: number): void {
    if (this.#extends.size === 0) setImmediate(() => this.#flush());
    this.#extends.set(workspace, { epoch, until });
  }

  async kill(workspace: WorkspaceId, epoch: number): Promise<boolean> {
    const { instance, patience, log } = this.#parts;
    if (instance.hasEnded) return await this.#endFromOutside(workspace);
    const answer = this.#ask((id) => ({ kind: 'kill', id, workspace, epoch }), patience.answer);
    const inTime = await this.#within(patience.kill, answer);
    if (inTime?.includes(workspace)) return true;
    log.warn({ workspace }, 'the instance did not end its browsers: they are ended from outside');
    const [ended, said] = await Promise.all([this.#endFromOutside(workspace), answer]);
    // It would start them again once it goes on.
    if (said === undefined) instance.kill('it does not answer when it is told to end browsers');
    return ended || (said?.includes(workspace) ?? false);
  }

  /** False where they had to be killed: then nothing is known of the files, and no release may be noted. */
  async close(workspace: WorkspaceId, epoch: number): Promise<boolean> {
    const { instance, patience, log } = this.#parts;
    if (instance.hasEnded) return false;
    const ended = await this.#ask((id) => ({ kind: 'close', id, workspace, epoch }), patience.close);
    if (ended?.includes(workspace)) return true;
    log.error({ workspace }, 'the instance did not close the workspace: its browsers are killed');
    await this.kill(workspace, epoch);
    return false;
  }

  async closeAll(): Promise<WorkspaceId[]> {
    const { instance, patience } = this.#parts;
    if (instance.hasEnded) return [];
    return [...((await this.#ask((id) => ({ kind: 'close_all', id }), patience.close)) ?? [])];
  }

  /** What the instance said. */
  heard(message: InstanceMessage): void {
    if (message.kind !== 'ended') return;
    this.#questions.get(message.id)?.(message.workspaces);
  }

  /** The instance's process ended: whoever waits for it need not. */
  instanceEnded(): void {
    for (const answer of [...this.#questions.values()]) answer([]);
  }

  /** The workspaces it saw end, or undefined where it did not answer in time. */
  async #ask(
    question: (id: number) => SupervisorMessage,
    patience: number,
  ): Promise<readonly WorkspaceId[] | undefined> {
    const id = this.#nextId++;
    const answered = new Promise<readonly WorkspaceId[]>((resolve) => this.#questions.set(id, resolve));
    this.#send(question(id));
    const outcome = await this.#within(patience, answered);
    this.#questions.delete(id);
    return outcome;
  }

  #within<T>(milliseconds: number, promise: Promise<T>): Promise<T | undefined> {
    return withinTime(this.#parts.clock, milliseconds, promise, () => new Error('late')).catch(
      () => undefined,
    );
  }

  /** All that are asked for in one turn are looked for at once, one look after the other: each reads all of `/proc`. */
  #endFromOutside(workspace: WorkspaceId): Promise<boolean> {
    this.#toEnd ??= this.#nextLook();
    this.#toEnd.workspaces.add(workspace);
    return this.#toEnd.ended;
  }

  #nextLook() {
    const workspaces = new Set<WorkspaceId>();
    const ended = this.#ending.then(() => {
      this.#toEnd = undefined;
      return this.#parts.endBrowsers([...workspaces]);
    });
    this.#ending = ended.catch(() => {});
    return { workspaces, ended };
  }

  /** In the order of the calls: what was extended before leaves before. */
  #send(message: SupervisorMessage): void {
    this.#flush();
    this.#parts.instance.send(message);
  }

  #flush(): void {
    if (this.#extends.size === 0) return;
    const { authority, instance, toHostClock } = this.#parts;
    const extended = [...this.#extends];
    this.#extends = new Map();
    const earliest = Math.min(...extended.map(([, { until }]) => until));
    instance.send({
      kind: 'extend',
      // The oldest of the proofs: what is held until one newer than a pause waits rather than goes too soon.
      asked: toHostClock(earliest - authority),
      until: extended.map(([workspace, { epoch, until }]) => ({
        workspace,
        epoch,
        until: toHostClock(until),
      })),
    });
  }
}
