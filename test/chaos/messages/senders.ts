import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from '../../helpers/random.ts';
import type { Answer, Json } from '../real/asking.ts';
import type { MessagesFleet, ProvenSession } from './fleet.ts';
import { type Share, share } from './load.ts';

/** A message that Wharf accepted. Its text is nowhere else. */
export interface Accepted {
  id: string;
  text: string;
  session: string;
  phone: string;
  priority: 'high' | 'normal';
  /** What the caller asked for where nobody can tell whether it left. */
  onUnknown: 'report' | 'resend';
  /** Counts the accepted messages of a session. */
  order: number;
}

/** Who hands in a session's messages. */
interface Client {
  session: ProvenSession;
  random: SeededRandom;
  onUnknown: 'report' | 'resend';
  signal: AbortSignal;
}

/** What goes into a request, and is asked for again under the same key until it is accepted. */
interface Wanted {
  key: string;
  text: string;
  to: string;
  priority: 'high' | 'normal';
  onUnknown: 'report' | 'resend';
}

/** Codes of refusals after which the same request may be accepted. */
const PASSING: ReadonlySet<unknown> = new Set([
  'queue_unavailable',
  'queue_full',
  'redis_unavailable',
  'instance_unavailable',
  'shutting_down',
  'timeout',
  'internal',
]);

/** A client pauses so long before it asks again, milliseconds: at least, at most. */
const AGAIN = { least: 50, most: 400 };
/** Of a client's requests, how many hand in several messages at once; and at most how many. */
const BULK = { share: 0.1, most: 8 };
/** Of accepted messages, how many a client hands in once more, as if the answer had been lost. */
const REPEATED = 0.03;

/**
 * The clients: for each session one that hands in its messages one after another, each with an Idempotency-Key, at the routers in turn, and asks again until it
 * has an answer. So the order in which a session's messages are accepted is known.
 */
export class Senders {
  readonly accepted: Accepted[] = [];
  /** What no client should be told. */
  readonly problems: string[] = [];
  /** Requests that were asked again, for whatever reason. */
  askedAgain = 0;
  /** Why they were, how often. */
  readonly reasons: Record<string, number> = {};
  readonly #fleet: MessagesFleet;
  readonly #seed: number;
  readonly #label: string;

  /** @param label is in every text and key */
  constructor(fleet: MessagesFleet, seed: number, label: string) {
    this.#fleet = fleet;
    this.#seed = seed;
    this.#label = label;
  }

  /**
   * Hands in so many messages over all sessions.
   *
   * @param rate messages a second over all sessions, at most
   */
  async run(messages: number, rate: number, signal: AbortSignal): Promise<void> {
    await share(this.#fleet.sessions, { messages, rate, seed: this.#seed }, (mine) =>
      this.#handInAll(mine, signal),
    );
  }

  async #handInAll({ session, index, messages, random, pace }: Share, signal: AbortSignal): Promise<void> {
    const client: Client = { session, random, onUnknown: index % 2 === 0 ? 'report' : 'resend', signal };
    let done = 0;
    while (done < messages && !signal.aborted) {
      const several = random.chance(BULK.share) ? random.int(2, BULK.most) : 1;
      const wanted = Array.from({ length: Math.min(several, messages - done) }, (_, offset) =>
        this.#wanted(client, done + offset),
      );
      await (wanted.length > 1 ? this.#inBulk(client, wanted) : this.#single(client, wanted));
      done += wanted.length;
      await pace(done);
    }
  }

  #wanted({ session, random, onUnknown }: Client, number: number): Wanted {
    return {
      key: `${this.#label}-${session.session}-${number}`,
      text: `${this.#label}: ${session.session} says ${number}`,
      to: `49180${session.phone.slice(-7)}`,
      priority: random.chance(0.1) ? 'high' : 'normal',
      onUnknown,
    };
  }

  async #single(client: Client, [wanted]: Wanted[]): Promise<void> {
    if (wanted === undefined) return;
    const { session, random } = client;
    const ask = (router: number) =>
      this.#fleet.ask(
        router,
        'POST',
        `/api/whatsapp/sessions/${session.session}/messages?workspace_id=${session.workspace}`,
        bodyOf(wanted),
        { 'idempotency-key': wanted.key },
      );
    const id = await this.#untilAccepted(client, ask, ({ message_id }) => message_id);
    if (id === undefined) return;
    this.#note(session, wanted, id);
    if (!random.chance(REPEATED)) return;
    const again = await this.#untilAccepted(client, ask, ({ message_id }) => message_id);
    if (again !== undefined && again !== id)
      this.problems.push(`${wanted.key} was accepted as ${id} and, repeated, as ${again}`);
  }

  async #inBulk(client: Client, wanted: Wanted[]): Promise<void> {
    const { session, random, signal } = client;
    let left = wanted;
    while (left.length > 0 && !signal.aborted) {
      const messages = left.map((each) => ({
        ...bodyOf(each),
        workspace_id: session.workspace,
        session_id: session.session,
        idempotency_key: each.key,
      }));
      const ask = (router: number) =>
        this.#fleet.ask(router, 'POST', '/api/whatsapp/messages/bulk', { messages });
      const answer = await this.#untilAccepted(client, ask, (body) => body);
      if (answer === undefined) return;
      const { accepted, rejected } = answer as {
        accepted: { index: number; message_id: string }[];
        rejected: { index: number; code: string; detail: string }[];
      };
      for (const { index, message_id } of accepted) {
        const each = left[index];
        if (each !== undefined) this.#note(session, each, message_id);
      }
      for (const { code, detail } of rejected)
        if (!PASSING.has(code)) this.problems.push(`refused in bulk: ${code} ${detail}`);
      left = rejected.filter(({ code }) => PASSING.has(code)).flatMap(({ index }) => left[index] ?? []);
      if (left.length > 0) await this.#pause(random, 'rejected in bulk');
    }
  }

  #note({ session, phone }: ProvenSession, { text, priority, onUnknown }: Wanted, id: unknown): void {
    this.accepted.push({
      id: String(id),
      text,
      session,
      phone,
      priority,
      onUnknown,
      order: this.accepted.length,
    });
  }

  /** Asks the routers in turn until one accepts. Undefined where it was refused for good, or the run is over. */
  async #untilAccepted<T>(
    { random, signal }: Client,
    ask: (router: number) => Promise<Answer>,
    pick: (body: Json) => T,
  ): Promise<T | undefined> {
    for (let router = random.int(0, 1); !signal.aborted; router += 1) {
      const answer = await ask(router);
      if (answer.kind !== 'answered') {
        await this.#pause(random, `${answer.kind}: ${answer.reason.slice(0, 60)}`);
        continue;
      }
      const { status, body } = answer;
      if (status < 300) return pick(body);
      if (!PASSING.has(body['code'])) {
        this.problems.push(`refused: ${status} ${JSON.stringify(body).slice(0, 300)}`);
        return undefined;
      }
      await this.#pause(random, `${status} ${String(body['code'])}`);
    }
    return undefined;
  }

  async #pause(random: SeededRandom, reason: string): Promise<void> {
    this.askedAgain += 1;
    this.reasons[reason] = (this.reasons[reason] ?? 0) + 1;
    await sleep(random.between(AGAIN.least, AGAIN.most));
  }
}

function bodyOf({ to, text, priority, onUnknown }: Wanted): Json {
  return { to, text, priority, on_unknown: onUnknown };
}
