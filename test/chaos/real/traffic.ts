import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '../../helpers/random.ts';
import type { Answer } from './asking.ts';
import type { ChaosSession, Fleet } from './fleet.ts';
import type { RouterHost } from './router-host.ts';

/** What a client knows of a message after its answer: it left, it did not, or nobody knows. */
export type Told = 'sent' | 'not_sent' | 'unknown';

/** A message that a client handed in. Its text is nowhere else. */
export interface HandedIn {
  text: string;
  session: ChaosSession;
  to: string;
  told: Told;
  /** What was answered, for people. */
  answer: string;
  router: string;
  /** Wall clock, milliseconds. */
  askedAt: number;
  answeredAt: number;
}

/** A message that somebody wrote to an account: WhatsApp has it. */
export interface Incoming {
  id: string;
  phone: string;
}

/** What clients were answered, by what they asked for. */
export interface Answers {
  statusAnswered: number;
  statusFailed: number;
  sent: number;
  notSent: number;
  unknown: number;
  /** Codes and reasons of all that was no success, how often. */
  failures: Record<string, number>;
}

/** Seconds that a client waits for a message to be sent. */
const SEND_WAIT = 15;
/** Between two requests of one client, milliseconds: at least, at most. */
const PAUSE = { least: 100, most: 600 };

/** Codes with which a message may have left all the same. */
const UNDECIDED: ReadonlySet<unknown> = new Set(['send_unknown', 'timeout', 'internal', 'browser_failed']);

/**
 * Clients and phones that go on whatever happens: for each session one client that sends, one that asks how the session is, and somebody who writes to
 * it. A client asks the two routers in turn, one request after the other, and never repeats a message.
 */
export class Traffic {
  readonly handedIn: HandedIn[] = [];
  readonly incoming: Incoming[] = [];
  readonly #fleet: Fleet;
  readonly #seed: number;
  readonly #label: string;
  #answers = noAnswers();
  #over = new AbortController();
  #running: Promise<unknown>[] = [];
  #number = 0;

  /** @param label is in every text, so that those of two fleets differ */
  constructor(fleet: Fleet, seed: number, label: string) {
    this.#fleet = fleet;
    this.#seed = seed;
    this.#label = label;
  }

  begin(): void {
    this.#over = new AbortController();
    const { signal } = this.#over;
    this.#running = this.#fleet.sessions.flatMap((session, index) => {
      const random = (number: number) => new SeededRandom(this.#seed + 10 * index + number);
      return [
        this.#again(random(1), signal, (router) => this.#send(session, router)),
        this.#again(random(2), signal, (router) => this.#status(session, router)),
        this.#again(random(3), signal, () => this.#deliver(session)),
      ];
    });
  }

  /** Ends it, when every request has its answer. */
  async end(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#running);
    this.#running = [];
  }

  /** What was answered since the last time it was asked for. */
  takeAnswers(): Answers {
    const answers = this.#answers;
    this.#answers = noAnswers();
    return answers;
  }

  async #again(
    random: SeededRandom,
    signal: AbortSignal,
    once: (router: RouterHost) => Promise<void>,
  ): Promise<void> {
    const { routers } = this.#fleet;
    for (let turn = random.int(0, 1); !signal.aborted; turn += 1) {
      await once(routers[turn % routers.length] as RouterHost);
      await sleep(random.between(PAUSE.least, PAUSE.most));
    }
  }

  async #send(session: ChaosSession, router: RouterHost): Promise<void> {
    this.#number += 1;
    const text = `out ${this.#number} ${this.#label} ${session.session}`;
    const to = `49180${session.phone.slice(-7)}@c.us`;
    const askedAt = Date.now();
    // Known from the start: what is under way when the sums are made is unknown.
    const record: HandedIn = {
      text,
      session,
      to,
      told: 'unknown',
      answer: 'none yet',
      router: router.id,
      askedAt,
      answeredAt: askedAt,
    };
    this.handedIn.push(record);
    const answer = await this.#fleet.askSession(
      router,
      'POST',
      session,
      '/messages',
      { to, text },
      `&wait=${SEND_WAIT}`,
    );
    record.told = toldBy(answer);
    record.answer = described(answer);
    record.answeredAt = Date.now();
    if (record.told === 'sent') this.#answers.sent += 1;
    else this.#failed('send', record.answer);
    if (record.told === 'not_sent') this.#answers.notSent += 1;
    if (record.told === 'unknown') this.#answers.unknown += 1;
  }

  async #status(session: ChaosSession, router: RouterHost): Promise<void> {
    const answer = await this.#fleet.askSession(router, 'GET', session);
    if (answer.kind === 'answered' && answer.status === 200) this.#answers.statusAnswered += 1;
    else {
      this.#answers.statusFailed += 1;
      this.#failed('status', described(answer));
    }
  }

  async #deliver({ phone }: ChaosSession): Promise<void> {
    this.#number += 1;
    const body = `in ${this.#number} ${this.#label}`;
    const { id } = await this.#fleet.whatsapp.post('/deliver', {
      phone,
      from: `49180${phone.slice(-7)}`,
      body,
    });
    this.incoming.push({ id: String(id), phone });
  }

  #failed(what: string, answer: string): void {
    const key = `${what}: ${answer}`;
    this.#answers.failures[key] = (this.#answers.failures[key] ?? 0) + 1;
  }
}

function noAnswers(): Answers {
  return { statusAnswered: 0, statusFailed: 0, sent: 0, notSent: 0, unknown: 0, failures: {} };
}

/** What an answer to a send says. Pure. */
function toldBy(answer: Answer): Told {
  if (answer.kind === 'unsent') return 'not_sent';
  if (answer.kind === 'broken') return 'unknown';
  const { status, body } = answer;
  if (status < 300 && body['status'] === 'failed') return 'not_sent';
  if (status < 300)
    return ['sent', 'delivered', 'read'].includes(String(body['status'])) ? 'sent' : 'unknown';
  return UNDECIDED.has(body['code']) || body['code'] === undefined ? 'unknown' : 'not_sent';
}

function described(answer: Answer): string {
  if (answer.kind !== 'answered') return `${answer.kind}: ${answer.reason.slice(0, 80)}`;
  const { status, body } = answer;
  return status < 300 ? `${status} ${String(body['status'])}` : `${status} ${String(body['code'])}`;
}
