import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { SessionId, WorkspaceId } from '../../fleet/ids.ts';
import type { MessageQueues, QueueView } from '../../fleet/queue/message-queues.ts';
import type { SessionStatus } from '../../fleet/records.ts';
import { compareByTrouble, type JudgedQueue, judgeQueue, STUCK_AFTER } from './queue-state.ts';

/** Between two looks at all queues, milliseconds: what metrics show is at most so old. */
const INTERVAL = 15_000;

/**
 * A look that was made within so many milliseconds answers the next question too, and within so many times as long as it took: many pages may ask every
 * two seconds, and a look at 3000 queues takes 90 ms of the router and 60 ms of Redis.
 */
const FRESH = 1500;
const FRESH_TIMES = 30;

/** What the watch needs of the router's table. */
export interface SessionStates {
  status(workspace: WorkspaceId, session: SessionId): SessionStatus | undefined;
}

/** All queues, as of one moment. */
export interface QueueLook {
  queues: readonly JudgedQueue[];
  /** Milliseconds since 1970. */
  at: number;
}

/** What a queue that could send has ended so far, and since when (monotonic) it is no more. */
interface Stillness {
  ended: number;
  since: number;
}

/**
 * Looks at all queues again and again, since that a queue is stuck can only be said by who has watched it: for how long its session has been ready, and
 * nothing went. It goes by the monotonic clock, so that no clock that is set alarms anybody. A router that has just started counts from its start: it
 * alarms later, never falsely.
 */
export class QueueWatch {
  readonly #queues: Pick<MessageQueues, 'views'>;
  readonly #sessions: SessionStates;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #window: number;
  readonly #stopping = new AbortController();
  /** Of each queue that could send. */
  #still = new Map<string, Stillness>();
  #stuck = new Set<string>();
  #waiting = new Map<WorkspaceId, number>();
  #look: QueueLook | undefined;
  /** When the last look was made, monotonic. */
  #lookedAt = 0;
  #looking: Promise<QueueLook> | undefined;
  #answers = false;
  /** Milliseconds the last look took. */
  #took = 0;
  #running: Promise<void> | undefined;

  constructor(
    queues: Pick<MessageQueues, 'views'>,
    sessions: SessionStates,
    clock: Clock,
    log: Logger,
    window: number = STUCK_AFTER,
  ) {
    this.#queues = queues;
    this.#sessions = sessions;
    this.#clock = clock;
    this.#log = log;
    this.#window = window;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Whether the queues could be read at the last look. */
  get answers(): boolean {
    return this.#answers;
  }

  /** The last look, however old; undefined before the first. */
  get last(): QueueLook | undefined {
    return this.#look;
  }

  /** Messages of a workspace that may be sent, at the last look. */
  waitingIn(workspace: WorkspaceId): number {
    return this.#waiting.get(workspace) ?? 0;
  }

  /**
   * How all queues stand, a moment ago at most; by trouble, the worst first.
   *
   * @throws WharfError `queue_unavailable`
   */
  async now(): Promise<QueueLook> {
    const fresh = Math.min(Math.max(FRESH, FRESH_TIMES * this.#took), INTERVAL - 1);
    if (this.#look && this.#answers && this.#clock.monotonic() - this.#lookedAt < fresh) return this.#look;
    this.#looking ??= this.#read().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.now().catch((error: unknown) => {
        this.#log.debug({ reason: messageOf(error) }, 'the queues cannot be looked at');
      });
      await this.#clock.sleep(INTERVAL, signal).catch(() => {});
    }
  }

  async #read(): Promise<QueueLook> {
    try {
      const begun = this.#clock.monotonic();
      const views = await this.#queues.views();
      this.#answers = true;
      this.#look = this.#judge(views);
      this.#lookedAt = this.#clock.monotonic();
      this.#took = this.#lookedAt - begun;
      return this.#look;
    } catch (error) {
      this.#answers = false;
      throw error;
    }
  }

  #judge(views: readonly QueueView[]): QueueLook {
    const now = this.#clock.now();
    const monotonic = this.#clock.monotonic();
    const seen = new Map<string, Stillness>();
    const queues = views.map((view): JudgedQueue => {
      const status = this.#sessions.status(view.workspace, view.session);
      const name = `${view.workspace}/${view.session}`;
      const ended = view.sent + view.failed + view.unknown;
      const before = this.#still.get(name);
      const stillness = before?.ended === ended ? before : { ended, since: monotonic };
      const still = monotonic - stillness.since;
      const judged = judgeQueue({ view, status, still }, this.#window);
      if (judged.state === 'flowing' || judged.state === 'stuck') seen.set(name, stillness);
      return { view, status, ...judged, stuckSince: judged.state === 'stuck' ? now - still : null };
    });
    this.#still = seen;
    this.#waiting = waitingOf(views);
    this.#tell(queues);
    queues.sort(compareByTrouble);
    return { queues, at: now };
  }

  #tell(queues: readonly JudgedQueue[]): void {
    const stuck = new Set<string>();
    for (const { view, state, reason } of queues) {
      if (state !== 'stuck') continue;
      const name = `${view.workspace}/${view.session}`;
      stuck.add(name);
      if (this.#stuck.has(name)) continue;
      const { workspace, session, depth } = view;
      this.#log.warn({ workspace, session, depth }, `a queue is stuck: ${reason}`);
    }
    for (const name of this.#stuck) {
      if (stuck.has(name)) continue;
      const [workspace, session] = name.split('/');
      this.#log.info({ workspace, session }, 'a queue is no longer stuck');
    }
    this.#stuck = stuck;
  }
}

function waitingOf(views: readonly QueueView[]): Map<WorkspaceId, number> {
  const waiting = new Map<WorkspaceId, number>();
  for (const { workspace, depth, delayed } of views)
    if (depth > delayed) waiting.set(workspace, (waiting.get(workspace) ?? 0) + depth - delayed);
  return waiting;
}
