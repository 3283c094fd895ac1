import { isWharfError, messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { type SessionKey, whatsappKeyOf } from '../../fleet/queue/message-ids.ts';
import { advance, toldByAck } from '../../fleet/queue/message-state.ts';
import type { MessageFault, MessageState } from '../../fleet/queue/outgoing.ts';
import type { HeldMessage, SessionQueue } from '../../fleet/queue/session-queues.ts';
import type { Session } from '../session/session.ts';
import type { Ack, Fate } from '../whatsapp/client.ts';
import type { AckBook, NotedAck } from './ack-book.ts';
import { giveToPage } from './give-to-page.ts';
import { lateStep } from './late-ack.ts';
import { processingSpan } from './message-span.ts';
import type { OutboxParts } from './outbox-parts.ts';
import { OutcomeWriter } from './outcome-writer.ts';
import { recover } from './recovery.ts';
import { type Trial, Trials } from './trials.ts';
import { faultOf, isBrowsersEnd, verdictOf } from './verdict.ts';

/** How long is waited where the session, the storage or Redis cannot now, milliseconds. */
const HOLD = 1000;
/** Before the page is asked again for what it is storing. */
const ASK_AGAIN = 500;
/** Before the second try of a message; doubles with each. */
const RETRY = 2000;
const LONGEST_RETRY = 60_000;
/** While an ack is waited for, the history is asked so often: the word of it may have been lost. */
const LOOK = 15_000;

/** What a courier works with. */
export interface CourierOptions {
  key: SessionKey;
  session: Session;
  queue: SessionQueue;
  acks: AckBook;
  mayBegin: () => boolean;
  signal: AbortSignal;
  /** A later ack of a message than the one it ended with. */
  later: (whatsappId: string, ack: Ack) => void;
  log: Logger;
}

/**
 * Brings one message of a session to its end, or as far as it gets now. It holds nothing between two calls that it could not find out again: the queue says what is in hand and
 * whether it was begun, the session's history what became of it.
 *
 * The order of what is written down: `begin`, the page; then the ack, the event, `finish`. Whoever dies in between, the next owner finds the message begun, asks the history, and tells the
 * same event under the same id.
 */
export class Courier {
  readonly #options: CourierOptions;
  readonly #parts: OutboxParts;
  readonly #outcomes: OutcomeWriter;
  readonly #trials = new Trials();
  /** Messages given up without an ack since the last that had one. */
  #givenUp = 0;

  constructor(options: CourierOptions, parts: OutboxParts) {
    this.#options = options;
    this.#parts = parts;
    this.#outcomes = new OutcomeWriter(options, parts);
  }

  /** Milliseconds after which to come again; 0: it has ended, or was given back for another to go first. The session must be ready. */
  carry(held: HeldMessage): Promise<number> {
    const { tracer } = this.#parts;
    if (!tracer.on) return this.#carry(held);
    return tracer.run(processingSpan(held), async (span) => {
      const again = await this.#carry(held);
      span.set({ 'wharf.message.ended': again === 0 });
      return again;
    });
  }

  async #carry(held: HeldMessage): Promise<number> {
    const trial = this.#trials.of(held);
    const { status } = this.#parts;
    status.underWay += 1;
    try {
      // An ack proves that it left, whatever the page said when it was handed over.
      const heard = this.#heard(held);
      if (heard) return await this.#settle(held, trial, heard.whatsappId, heard.ack);
      return trial.uncertain ? await this.#resume(held, trial) : await this.#try(held, trial);
    } finally {
      status.underWay -= 1;
    }
  }

  /** Ends a message that waited too long for its session. */
  async expire(held: HeldMessage): Promise<void> {
    const hours = Math.round(this.#parts.config.maxWait / 360_000) / 10;
    const detail = `Its session could not send for longer than the message may wait (${hours} hours).`;
    await this.#end(held, this.#trials.of(held), { code: 'expired', detail });
  }

  async #try(held: HeldMessage, trial: Trial): Promise<number> {
    const { mayBegin, queue, session, signal } = this.#options;
    let whatsappId: string | undefined;
    try {
      const attempt = { session, queue, held, trial, mayBegin, signal };
      whatsappId = await this.#parts.tracer.run({ name: 'give to page', kind: 'client' }, () =>
        giveToPage(attempt, this.#parts),
      );
    } catch (error) {
      signal.throwIfAborted();
      return await this.#afterFailure(held, trial, error);
    }
    if (whatsappId !== undefined) return await this.#awaitAck(held, trial, whatsappId);
    this.#trials.ended(held);
    return 0;
  }

  async #afterFailure(held: HeldMessage, trial: Trial, error: unknown): Promise<number> {
    const verdict = verdictOf(error);
    const { code } = faultOf(error);
    this.#options.log.info(
      { message: held.message.message_id, verdict, code, handed: trial.handed },
      'a message could not be sent',
    );
    if (verdict === 'ask') return ASK_AGAIN;
    if (verdict === 'failed') return await this.#end(held, trial, faultOf(error));
    if (verdict === 'again' && !(await this.#isOffline(error)))
      return await this.#again(held, trial, faultOf(error));
    return await this.#hold(held, trial, error);
  }

  /** True where the page does not answer, or cannot reach WhatsApp: what fails then is no fault of the message. */
  async #isOffline(error: unknown): Promise<boolean> {
    if (isWharfError(error, 'media_unreachable')) return false;
    try {
      return !(await this.#options.session.readyClient().fates([])).connected;
    } catch {
      return true;
    }
  }

  /** Another try after a while, its place in the line kept; or its end, where there were enough. */
  async #again(held: HeldMessage, trial: Trial, fault: MessageFault): Promise<number> {
    trial.failures += 1;
    if (trial.failures >= this.#parts.config.attempts) return await this.#end(held, trial, fault);
    this.#parts.status.retries += 1;
    const delay = Math.min(RETRY * 2 ** (trial.failures - 1), LONGEST_RETRY);
    return Math.round(delay * (1 + this.#parts.random() * 0.2));
  }

  /** It waits for its session. A message that was there each time when a browser broke is what broke it. */
  async #hold(held: HeldMessage, trial: Trial, error: unknown): Promise<number> {
    if (isBrowsersEnd(error)) {
      trial.broken.add(trial.client ?? trial);
      const count = trial.broken.size;
      if (count >= this.#parts.config.attempts) {
        const detail = `Each of ${count} browsers broke or fell silent when it got the message: ${messageOf(error)}`;
        return await this.#end(held, trial, { code: 'send_failed', detail });
      }
    }
    const { clock, config } = this.#parts;
    trial.heldSince ??= clock.monotonic();
    if (clock.monotonic() - trial.heldSince > config.maxWait)
      return await this.#end(held, trial, faultOf(error));
    if (!trial.uncertain) await this.#options.queue.giveBack(held);
    return HOLD;
  }

  /** It may have left: the history is asked before anything else is done. */
  async #resume(held: HeldMessage, trial: Trial): Promise<number> {
    const { message, state } = held;
    const query = {
      to: message.message.to,
      key: whatsappKeyOf(message.message_id),
      whatsappId: state.whatsapp_id ?? undefined,
    };
    const heard = this.#options.acks.known(message.message_id);
    if (heard) return await this.#settle(held, trial, heard.whatsappId, heard.ack);
    let fate: Fate | undefined;
    try {
      fate = (await this.#options.session.readyClient().fates([query])).fates[0];
    } catch (error) {
      this.#options.log.debug({ reason: messageOf(error) }, 'the history could not be asked');
    }
    if (!fate) return HOLD;
    const step = recover(fate, message.on_unknown, trial.handed, this.#parts.config.attempts);
    this.#options.log.info(
      { message: message.message_id, fate: fate.kind, step: step.kind },
      'a message that may have left was looked for in the history',
    );
    switch (step.kind) {
      case 'settled':
        return await this.#settle(held, trial, step.whatsappId, step.ack);
      case 'await':
        return await this.#awaitAck(held, trial, step.whatsappId);
      case 'ask_again':
        return await this.#askAgain(held, trial);
      case 'not_left':
        trial.uncertain = false;
        await this.#options.queue.retract(held);
        return await this.#again(held, trial, {
          code: 'send_failed',
          detail: "WhatsApp's page did not take the message.",
        });
      case 'resend':
        await this.#outcomes.tell(held, [{ ...state, status: 'unknown', error: UNKNOWN }]);
        return await this.#try(held, trial);
      case 'unknown':
        return await this.#end(held, trial, UNKNOWN);
    }
  }

  /** A page that is storing a message for minutes is at its end, whatever else it answers. */
  async #askAgain(held: HeldMessage, trial: Trial): Promise<number> {
    const { clock, patience } = this.#parts;
    trial.since ??= clock.monotonic();
    if (clock.monotonic() - trial.since < patience.patience) return ASK_AGAIN;
    return await this.#renew(held, trial);
  }

  async #awaitAck(held: HeldMessage, trial: Trial, whatsappId: string): Promise<number> {
    const { acks, signal } = this.#options;
    const { clock, patience } = this.#parts;
    trial.since ??= clock.monotonic();
    for (;;) {
      const outcome = await acks.settled(held.message.message_id, Math.min(LOOK, patience.patience));
      signal.throwIfAborted();
      if (outcome === 'gone') {
        trial.since = null;
        return HOLD;
      }
      if (outcome !== 'late') return await this.#settle(held, trial, whatsappId, outcome);
      const step = await this.#lookForAck(held, trial, whatsappId);
      if (typeof step === 'number') return await this.#settle(held, trial, whatsappId, step);
      if (step === 'wait') continue;
      if (step === 'renew') return await this.#renew(held, trial);
      this.#givenUp += 1;
      return await this.#end(held, trial, UNACKNOWLEDGED);
    }
  }

  /** The ack the history knows of, or what is to be done without one. */
  async #lookForAck(
    held: HeldMessage,
    trial: Trial,
    whatsappId: string,
  ): Promise<Ack | 'wait' | 'renew' | 'give_up'> {
    const { message, state } = held;
    const { clock, patience } = this.#parts;
    const query = { to: message.message.to, key: whatsappKeyOf(message.message_id), whatsappId };
    let connected = false;
    try {
      const look = await this.#options.session.readyClient().fates([query]);
      const [fate] = look.fates;
      if (fate?.kind === 'present' && fate.ack !== 0) return fate.ack;
      ({ connected } = look);
    } catch (error) {
      this.#options.log.debug({ reason: messageOf(error) }, 'the history could not be asked');
    }
    const began = Date.parse(state.sending_at ?? message.accepted_at);
    return lateStep(
      {
        waited: clock.monotonic() - (trial.since ?? clock.monotonic()),
        connected,
        renewals: trial.renewals,
        givenUpBefore: this.#givenUp,
        underWay: clock.now() - began,
      },
      patience,
    );
  }

  async #renew(held: HeldMessage, trial: Trial): Promise<number> {
    const { key, log, session } = this.#options;
    const { status } = this.#parts;
    status.noteStuck(key);
    log.error(
      { message: held.message.message_id, renewals: trial.renewals },
      'a message got no ack from a page that says that it is connected, or was not stored: its browser is started anew, and the session counts as stuck until an ack comes',
    );
    trial.renewals += 1;
    trial.since = null;
    status.renewals += 1;
    await session.renew();
    return HOLD;
  }

  async #settle(held: HeldMessage, trial: Trial, whatsappId: string, ack: Ack): Promise<0> {
    const { key } = this.#options;
    const { clock, counters, status } = this.#parts;
    if (ack < 0) {
      trial.uncertain = false;
      const detail = `WhatsApp refused the message to ${held.message.message.to}.`;
      return await this.#end(held, trial, { code: 'send_failed', detail }, whatsappId);
    }
    const at = new Date(clock.now()).toISOString();
    const known: MessageState = {
      ...held.state,
      attempts: trial.handed,
      sending_at: held.state.sending_at ?? at,
    };
    const after = (known: MessageState, ack: Ack) => {
      const told = toldByAck(known, { whatsappId, ack, at });
      return told ? advance(known, told) : known;
    };
    const sent = after(known, 1);
    const state = after(known, ack);
    // That it was sent is told always, whatever more is known by now.
    await this.#outcomes.tell(held, state.status === sent.status ? [sent] : [sent, state]);
    await this.#outcomes.finish(held, state);
    this.#trials.ended(held);
    this.#givenUp = 0;
    counters.messages_sent += 1;
    status.sent += 1;
    status.noteMoving(key);
    this.#noteLatest(held, ack);
    return 0;
  }

  /** Ends it as failed, or as unknown where it may have left. */
  async #end(
    held: HeldMessage,
    trial: Trial,
    error: MessageFault,
    whatsappId: string | null = held.state.whatsapp_id,
  ): Promise<0> {
    const { clock, counters, status } = this.#parts;
    const heard = this.#heard(held);
    if (heard) return await this.#settle(held, trial, heard.whatsappId, heard.ack);
    const state: MessageState = {
      ...held.state,
      status: trial.uncertain ? 'unknown' : 'failed',
      whatsapp_id: whatsappId,
      attempts: trial.handed,
      error,
      ended_at: new Date(clock.now()).toISOString(),
    };
    await this.#outcomes.tell(held, [state]);
    await this.#outcomes.finish(held, state);
    this.#trials.ended(held);
    if (trial.uncertain) status.unknown += 1;
    else {
      counters.messages_failed += 1;
      status.failed += 1;
    }
    this.#noteLatest(held, 0);
    return 0;
  }

  /** What an ack told of it, if one told that the server has it. */
  #heard({ message }: HeldMessage): NotedAck | undefined {
    const noted = this.#options.acks.known(message.message_id);
    return noted && noted.ack > 0 ? noted : undefined;
  }

  /** Hands on an ack that came while the end was written down, which may take as long as Redis is away. */
  #noteLatest({ message }: HeldMessage, ack: Ack): void {
    const latest = this.#options.acks.known(message.message_id);
    if (latest && (latest.ack > ack || latest.ack < 0)) this.#options.later(latest.whatsappId, latest.ack);
  }
}

const UNKNOWN: MessageFault = {
  code: 'send_unknown',
  detail:
    'The browser was lost while the message was handed over, and its history knows nothing of it. It may or may not have been sent.',
};

const UNACKNOWLEDGED: MessageFault = {
  code: 'send_unknown',
  detail:
    "WhatsApp's server did not acknowledge it, also after its browser was started anew. It may be sent yet.",
};
