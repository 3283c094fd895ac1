import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '../../helpers/random.ts';
import type { SentByDevice } from '../real/phones.ts';
import { INSTANCES, MessagesFleet } from './fleet.ts';
import { checkIncoming, type IncomingFindings } from './incoming-check.ts';
import { Killer } from './killer.ts';
import { checkOutgoing, type OutgoingFindings } from './outgoing-check.ts';
import { type ReceiverCounts, WebhookReceiver } from './receiver.ts';
import { Senders } from './senders.ts';
import { allEnded, lookAtAll, moves } from './settled.ts';
import { Writers } from './writers.ts';

/** What is proven. */
export interface ProofOptions {
  seed: number;
  sessions: number;
  messages: number;
  /** Messages a second that come in and go out at most, over all sessions. */
  rate: number;
  /** Seconds between two kills. */
  killEvery: number;
  routers: number;
  /** Routers are killed too. */
  routersToo: boolean;
  /** Milliseconds until WhatsApp's server acknowledges a message: a message is on its way for so long, and kills meet it there. */
  ackDelay: number;
  /** Seconds the webhook receiver is down in the midst of incoming messages. */
  receiverDown: number;
  say: (text: string) => void;
}

/** What one of the two parts found. */
export interface Part<Findings> {
  findings: Findings;
  figures: Record<string, number>;
  details: unknown;
}

/** The proof that what is accepted ends once and what is received arrives, while instances are killed. */
export class MessagesProof {
  /** What is broken, for people. */
  readonly broken: string[] = [];
  readonly #fleet: MessagesFleet;
  readonly #receiver: WebhookReceiver;
  readonly #options: ProofOptions;

  private constructor(fleet: MessagesFleet, receiver: WebhookReceiver, options: ProofOptions) {
    this.#fleet = fleet;
    this.#receiver = receiver;
    this.#options = options;
  }

  /** Starts the fleet, links the sessions, sets the webhooks. */
  static async start(options: ProofOptions): Promise<MessagesProof> {
    const receiver = new WebhookReceiver(new SeededRandom(options.seed + 7));
    await receiver.start();
    const fleet = await MessagesFleet.start({ routers: options.routers, instances: INSTANCES.length });
    const proof = new MessagesProof(fleet, receiver, options);
    try {
      await fleet.link(options.sessions);
      await fleet.emulator('POST', '/config', { ack_delay_ms: options.ackDelay });
      for (const workspace of fleet.workspaces)
        await fleet.api('PUT', `/api/whatsapp/workspaces/${workspace}/webhook`, {
          url: receiver.url,
          events: ['message.received', 'message.status'],
          secret: receiver.secret,
        });
      options.say(`${options.sessions} sessions are linked; logs in ${fleet.directory}`);
    } catch (error) {
      await proof.close(true);
      throw error;
    }
    return proof;
  }

  /** Messages that clients hand in, while instances are killed. */
  async outgoing(signal: AbortSignal): Promise<Part<OutgoingFindings>> {
    const { seed, messages, rate, say } = this.#options;
    const label = `out-${seed}`;
    const senders = new Senders(this.#fleet, 1000 * seed, label);
    const killer = this.#killer(1);
    const before = this.#receiver.counts();
    const began = performance.now();
    killer.begin();
    await senders.run(messages, rate, signal);
    say(`${senders.accepted.length} messages accepted`);
    const ended = await allEnded(this.#fleet, senders.accepted, say);
    const seconds = (performance.now() - began) / 1000;
    await killer.end();
    if (!ended) this.broken.push('some messages stood still');
    await this.#fleet.allReady();
    // Once more, in peace: acks of what was found late change states a last time.
    await allEnded(this.#fleet, senders.accepted, say);
    const { findings, sent } = await this.#outgoingFindings(senders);
    this.#judge('outgoing', senders.problems);
    this.#judge('lost', findings.lost);
    this.#judge('duplicated', findings.duplicated);
    this.#judge('out of order', findings.outOfOrder);
    this.#judge('failed', findings.failed);
    this.#judge('told as failed, and WhatsApp has it', findings.failedThatLeft);
    this.#judge("left under an id that is not Wharf's", findings.otherIds);
    this.#judge('without an event of their end', findings.withoutEvent);
    this.#judge('events of one status with two ids', findings.eventsOfTwoIds);
    const unknown = Object.values(findings.unknown).reduce((sum, count) => sum + count, 0);
    return {
      findings,
      figures: {
        out_accepted: senders.accepted.length,
        out_lost: findings.lost.length,
        out_duplicated: findings.duplicated.length,
        out_of_order: findings.outOfOrder.length,
        out_unknown: unknown,
        out_unknown_that_left: findings.unknownThatLeft,
        out_failed: findings.failed.length + findings.failedThatLeft.length,
        out_reached_whatsapp_again_under_their_id: findings.sentAgain,
        out_requests_asked_again: senders.askedAgain,
        out_without_event: findings.withoutEvent.length,
        out_events_of_two_ids: findings.eventsOfTwoIds.length,
        out_seconds: Math.round(seconds),
        ...this.#killFigures('out', killer),
        ...this.#receiverFigures('out', before),
      },
      details: { findings, reasons: senders.reasons, sent: sent.length },
    };
  }

  /** Messages that people write, while instances are killed and the webhook receiver is down for a while. */
  async incoming(signal: AbortSignal): Promise<Part<IncomingFindings>> {
    const { seed, messages, rate, receiverDown, say } = this.#options;
    const writers = new Writers(this.#fleet, 2000 * seed, `in-${seed}`);
    const killer = this.#killer(2);
    const before = this.#receiver.counts();
    const began = performance.now();
    this.#receiver.ill = true;
    killer.begin();
    const [written] = await Promise.all([
      writers.run(messages, rate, signal).then(() => writers.written),
      this.#downFor(receiverDown, ((messages / rate) * 1000) / 3),
    ]);
    say(`${written.length} messages written`);
    await killer.end();
    await this.#fleet.allReady();
    this.#receiver.ill = false;
    const missing = () => checkIncoming(written, this.#receiver.taken).missing;
    await moves(() => missing().length, say, 'messages without an event');
    const findings = checkIncoming(written, this.#receiver.taken);
    this.#judge('missing', findings.missing);
    this.#judge('messages with events of two ids', findings.eventsOfTwoIds);
    this.#judge('out of order within their chat', findings.outOfOrderInChat);
    return {
      findings,
      figures: {
        in_written: written.length,
        in_missing: findings.missing.length,
        in_events_of_two_ids: findings.eventsOfTwoIds.length,
        in_out_of_order_in_chat: findings.outOfOrderInChat.length,
        in_out_of_order_in_session: findings.outOfOrderInSession,
        in_late: findings.late,
        in_receiver_down_s: receiverDown,
        in_seconds: Math.round((performance.now() - began) / 1000),
        ...this.#killFigures('in', killer),
        ...this.#receiverFigures('in', before),
      },
      details: { findings },
    };
  }

  /** Ends everything; the logs are kept where something broke. */
  async close(keep = this.broken.length > 0): Promise<void> {
    if (keep) this.#options.say(`kept for a look: ${this.#fleet.directory}`);
    await this.#fleet.close(keep);
    await this.#receiver.stop();
  }

  #killer(part: number): Killer {
    const { seed, killEvery, routersToo, say } = this.#options;
    return new Killer(this.#fleet, new SeededRandom(seed * 10 + part), { every: killEvery, routersToo, say });
  }

  async #outgoingFindings(senders: Senders) {
    const { accepted } = senders;
    const seen = await lookAtAll(this.#fleet, accepted);
    const sent = async () =>
      (await this.#fleet.emulator('GET', '/sent?limit=1000000'))['sent'] as SentByDevice[];
    const check = async () => checkOutgoing(accepted, seen, await sent(), this.#receiver.taken);
    let findings = await check();
    await moves(
      () => findings.withoutEvent.length,
      this.#options.say,
      'messages without an event of their end',
      async () => {
        // An ack that came meanwhile is a new end, with an event of its own.
        for (const [id, view] of await lookAtAll(
          this.#fleet,
          accepted.filter(({ id }) => findings.withoutEvent.some((text) => text.startsWith(id))),
        ))
          seen.set(id, view);
        findings = await check();
      },
    );
    return { findings, sent: await sent() };
  }

  async #downFor(seconds: number, after: number): Promise<void> {
    await sleep(after);
    this.#options.say(`the webhook receiver is down for ${seconds} s`);
    await this.#receiver.stop();
    await sleep(seconds * 1000);
    await this.#receiver.start();
    this.#options.say('the webhook receiver is back');
  }

  #judge(what: string, wrong: readonly string[]): void {
    if (wrong.length === 0) return;
    this.broken.push(
      `${wrong.length} ${what}: ${wrong.slice(0, 5).join('; ')}${wrong.length > 5 ? '; ...' : ''}`,
    );
  }

  #killFigures(part: string, killer: Killer): Record<string, number> {
    return {
      [`${part}_kills`]: killer.total,
      [`${part}_kills_of_the_process_alone`]: killer.kills.process,
      [`${part}_kills_with_browsers`]: killer.kills['browsers too'],
      [`${part}_hosts_lost`]: killer.kills.host,
      [`${part}_kills_of_routers`]: killer.routers,
      [`${part}_workspaces_freed_of_quarantine`]: this.#freedSince(),
    };
  }

  #freedSince(): number {
    const { freed } = this.#fleet;
    this.#fleet.freed = 0;
    return freed;
  }

  #receiverFigures(part: string, before: ReceiverCounts): Record<string, number> {
    const now = this.#receiver.counts();
    this.#judge(`${part}: bad webhooks`, this.#receiver.problems.splice(0));
    return {
      [`${part}_events_taken`]: now.taken - before.taken,
      [`${part}_deliveries`]: now.requests - before.requests,
      [`${part}_deliveries_repeated`]: now.repeated - before.repeated,
      [`${part}_deliveries_refused_by_receiver`]: now.refused - before.refused,
      [`${part}_deliveries_cut_by_receiver`]: now.cut - before.cut,
    };
  }
}
