import type { Clock } from '../../common/clock.ts';
import { isWharfError, messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Deliveries, Letter } from '../../fleet/events/deliveries.ts';
import type { WharfEvent } from '../../fleet/events/event.ts';
import { showWorkspaceId, type WorkspaceId } from '../../fleet/ids.ts';
import type { Circuit } from './circuit.ts';
import type { Candidate, Lanes, Waiting } from './lanes.ts';
import { validSecrets, type WebhookRecord } from './record.ts';
import { afterFailure, isAtFault, isOver, type Tries } from './retry-rules.ts';
import type { Outcome, Sender } from './sender.ts';
import { sign } from './signature.ts';

/** Milliseconds between tries to tell Redis that an event was taken, while Redis is away. */
const TELL_INTERVAL = 1000;

/** Hears what becomes of deliveries, for the metrics. */
export interface DeliveryRecorder {
  sent(kind: Outcome['kind'], seconds: number): void;
  setAside(): void;
  gaveUp(events: number): void;
  /** The log forgot events before they were delivered. */
  forgotten(events: number): void;
}

/** The last try that failed. `at` in milliseconds since 1970. */
interface LastFault {
  at: number;
  status: number | null;
  reason: string;
}

/** How long things are tried and kept, milliseconds. */
export interface DeliveryTimes {
  retryTime: number;
  letterTime: number;
}

export interface DeliveryParts {
  workspace: WorkspaceId;
  record: () => WebhookRecord | undefined;
  /** Disables the webhook, where its setting is still of this generation. */
  disable: (generation: number, reason: string) => Promise<void>;
  deliveries: Deliveries;
  sender: Pick<Sender, 'send'>;
  circuit: Circuit;
  lanes: Lanes<WharfEvent>;
  times: DeliveryTimes;
  recorder: DeliveryRecorder;
  clock: Clock;
  random: () => number;
  log: Logger;
}

/** Sends single events of one receiver, and does what follows from what comes back. */
export class Delivery {
  readonly #parts: DeliveryParts;
  /** Aborted when nothing is waited for any more. */
  readonly #cut: AbortSignal;
  #lastTakenAt: number | null;
  #lastFault: LastFault | null;

  /** @param before how the receiver did when another router delivered */
  constructor(
    parts: DeliveryParts,
    cut: AbortSignal,
    before: { lastTakenAt: number | null; lastFault: LastFault | null } | undefined,
  ) {
    this.#parts = parts;
    this.#cut = cut;
    this.#lastTakenAt = before?.lastTakenAt ?? null;
    this.#lastFault = before?.lastFault ?? null;
  }

  get lastTakenAt(): number | null {
    return this.#lastTakenAt;
  }

  get lastFault(): LastFault | null {
    return this.#lastFault;
  }

  /** Sends an event of the lanes. Throws `queue_unavailable`, with the event still pending. */
  async inOrder({ waiting, after }: Candidate<WharfEvent>, event: WharfEvent | undefined): Promise<void> {
    const { workspace, deliveries, lanes, recorder } = this.#parts;
    const end = async () => {
      // Only then the next of its session goes: what is repeated after a crash is never older than what was taken last.
      await this.#tell(() => deliveries.ended(workspace, [waiting.position]));
      lanes.remove(waiting.position);
    };
    if (!event) {
      recorder.forgotten(1);
      return end();
    }
    const generation = this.#parts.record()?.generation;
    const outcome = await this.#send(event);
    if (outcome === undefined) return;
    if (outcome.kind === 'taken') {
      await end();
      if (after) accuse(after, this.#now());
      return;
    }
    const alone = waiting.tries?.alone ?? 0;
    const tries = this.#triesAfter(waiting.tries, outcome);
    // The fault may be that of the address before.
    if (this.#parts.record()?.generation !== generation) tries.nextAt = this.#now();
    waiting.tries = tries;
    if (isOver(tries, this.#now(), this.#parts.times.retryTime)) {
      await this.giveUp([letterOf(waiting, event, this.#now(), 'it was tried for as long as events are')]);
      return;
    }
    if (isAtFault(tries) || (waiting.accused && tries.alone > alone))
      return this.#refusedAlone(waiting, event);
    await deliveries.noteTries(workspace, waiting.position, tries);
  }

  /** Sends an event that was set aside. Throws `queue_unavailable`, with it still there. */
  async aside(letter: Letter): Promise<void> {
    const { workspace, deliveries, times } = this.#parts;
    const outcome = await this.#send(letter.event);
    if (outcome === undefined) return;
    if (outcome.kind === 'taken') return this.#tell(() => deliveries.asideEnded(workspace, letter.event.id));
    const tries = this.#triesAfter(letter.tries, outcome);
    if (isOver(tries, this.#now(), times.retryTime)) return this.giveUp([{ ...letter, tries }]);
    await deliveries.setAside(workspace, [{ ...letter, tries }], tries.nextAt);
  }

  /** Gives events up: they become dead letters. */
  async giveUp(letters: readonly Letter[]): Promise<void> {
    const { workspace, deliveries, lanes, times, recorder, log } = this.#parts;
    const movedAt = this.#now();
    await deliveries.bury(
      workspace,
      letters.map((letter) => ({ ...letter, movedAt })),
      movedAt - times.letterTime,
    );
    for (const { position } of letters) lanes.remove(position);
    recorder.gaveUp(letters.length);
    log.warn({ events: letters.length }, 'events of a webhook were given up: they are dead letters now');
  }

  /** Others are taken and this one is not: it no longer holds up its session, and is retried by itself. */
  async #refusedAlone(waiting: Waiting<WharfEvent>, event: WharfEvent): Promise<void> {
    const { workspace, deliveries, lanes, recorder, log } = this.#parts;
    const { tries } = waiting;
    if (!tries) return;
    const why = `it was not taken in ${tries.count} tries, while others were`;
    const letter = letterOf(waiting, event, this.#now(), why);
    await deliveries.setAside(workspace, [letter], tries.nextAt);
    lanes.remove(waiting.position);
    recorder.setAside();
    log.warn(
      { event: event.id, type: event.type, tries: tries.count },
      'an event of a webhook was set aside',
    );
  }

  /** Undefined: it was cut off, or there is nobody to send to; nothing follows from that. */
  async #send(event: WharfEvent): Promise<Outcome | undefined> {
    const { record: current, sender, circuit, recorder, random, log } = this.#parts;
    const record = current();
    if (!record || record.disabled !== null) return undefined;
    const body = bodyOf(event);
    const secrets = validSecrets(record, this.#now()).map(({ secret }) => secret);
    const request = { url: record.url, body, signature: sign(event.id, this.#now(), body, secrets) };
    const outcome = await sender.send(request, this.#cut);
    if (this.#cut.aborted && outcome.kind === 'failed') return undefined;
    const now = this.#now();
    recorder.sent(outcome.kind, outcome.took / 1000);
    if (outcome.kind === 'taken') {
      this.#lastTakenAt = now;
      if (circuit.taken()) {
        this.#parts.lanes.allDue(now);
        log.info('the receiver of a webhook takes events again');
      }
      return outcome;
    }
    this.#lastFault = { at: now, status: outcome.status, reason: outcome.reason };
    log.debug({ event: event.id, status: outcome.status, reason: outcome.reason }, 'a webhook was not taken');
    if (circuit.failed(event.id, outcome.kind === 'refused', now, random())) {
      log.warn(
        { reason: outcome.reason },
        'the receiver of a webhook takes nothing: it is probed from time to time',
      );
    }
    if (outcome.status === 410) await this.#gone(record);
    if (outcome.kind === 'refused' && outcome.wish !== undefined && isPause(outcome.status))
      circuit.hold(outcome.wish, now);
    return outcome;
  }

  async #gone(record: WebhookRecord): Promise<void> {
    const { disable, log } = this.#parts;
    const reason = 'its receiver answered 410 Gone';
    try {
      await disable(record.generation, reason);
      log.warn({ reason }, 'a webhook was disabled');
    } catch (error) {
      // The event is retried; so the receiver says so again.
      log.error({ reason: messageOf(error) }, 'a webhook whose receiver is gone could not be disabled');
    }
  }

  /** Tells Redis what has happened at the receiver, until Redis takes it: what it does not know would be sent again. */
  async #tell(say: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await say();
      } catch (error) {
        if (!isWharfError(error, 'queue_unavailable') || this.#cut.aborted) throw error;
      }
      await this.#parts.clock.sleep(TELL_INTERVAL, this.#cut).catch(() => undefined);
    }
  }

  #triesAfter(before: Tries | null, outcome: Exclude<Outcome, { kind: 'taken' }>): Tries {
    const wish = outcome.kind === 'refused' ? outcome.wish : undefined;
    const met = outcome.kind === 'refused' || outcome.met;
    const fault = { reason: outcome.reason, status: outcome.status, met, wish };
    return afterFailure(before, fault, this.#now(), this.#parts.random(), this.#lastTakenAt);
  }

  #now(): number {
    return this.#parts.clock.now();
  }
}

/** What is sent: the event as SSE has it too. */
export function bodyOf({ id, type, timestamp, workspace_id, session_id, data }: WharfEvent): string {
  const shown = workspace_id === null ? null : showWorkspaceId(workspace_id);
  return JSON.stringify({ id, type, timestamp, workspace_id: shown, session_id, data });
}

export function letterOf(
  { position, tries }: Pick<Waiting<WharfEvent>, 'position' | 'tries'>,
  event: WharfEvent,
  movedAt: number,
  why: string,
): Letter {
  return { position, event, tries, movedAt, why };
}

function accuse(waiting: Waiting<WharfEvent>, now: number): void {
  waiting.accused = true;
  if (waiting.tries) waiting.tries.nextAt = now;
}

function isPause(status: number): boolean {
  return status === 429 || status === 503;
}
