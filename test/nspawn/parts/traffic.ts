import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from '../../chaos/real/asking.ts';
import type { Balancer } from '../machines/balancer.ts';
import type { Fleet, LinkedSession } from '../machines/fleet.ts';

/** Between two requests of one client, milliseconds. */
const PAUSE = 100;
/** Seconds that a client waits for a message to be sent: longer than a router holds a request while a workspace moves. */
const SEND_WAIT = 50;
const FRIEND = '491800000001';

/** Clients that go on whatever happens: for each session one that asks how it is, and one that sends, each one request after the other. They repeat nothing. */
export class Traffic {
  readonly #fleet: Fleet;
  readonly #routers: Balancer;
  readonly #label: string;
  readonly #over = new AbortController();
  readonly #running: Promise<void>[];
  readonly #failures: string[] = [];
  readonly #texts = new Map<LinkedSession, string[]>();
  #requests = 0;
  #longest = 0;

  /** @param label is in every text, so that those of two differ */
  constructor(fleet: Fleet, routers: Balancer, label: string) {
    this.#fleet = fleet;
    this.#routers = routers;
    this.#label = label;
    // Limits stay as they are by default, 30 messages a minute: those who send have more of a pause.
    this.#running = fleet.sessions.flatMap((session) => [
      this.#again(PAUSE, () => this.#status(session)),
      this.#again(PAUSE * 25, (turn) => this.#send(session, turn)),
    ]);
  }

  /** Ends it, when every request has its answer. Answers how many there were, the longest in seconds, and what was wrong. */
  async end(): Promise<{ requests: number; longest: number; failures: string[] }> {
    this.#over.abort();
    await Promise.all(this.#running);
    for (const [session, texts] of this.#texts) {
      const sent = await this.#fleet.emulator.sent(session.phone);
      for (const text of texts)
        if (sent.get(text) !== 1)
          this.#failures.push(`${text}: WhatsApp has it ${sent.get(text) ?? 0} times`);
    }
    return { requests: this.#requests, longest: this.#longest, failures: this.#failures };
  }

  async #again(pause: number, once: (turn: number) => Promise<void>): Promise<void> {
    for (let turn = 1; !this.#over.signal.aborted; turn += 1) {
      await once(turn);
      await sleep(pause, undefined, { signal: this.#over.signal }).catch(() => {});
    }
  }

  async #status({ session }: LinkedSession): Promise<void> {
    await this.#note(`status of ${session}`, () =>
      this.#routers.ask('GET', `/api/whatsapp/sessions/${session}`),
    );
  }

  async #send(session: LinkedSession, turn: number): Promise<void> {
    const text = `${this.#label} ${session.session} ${turn}`;
    const path = `/api/whatsapp/sessions/${session.session}/messages?wait=${SEND_WAIT}`;
    const ask = () => this.#routers.ask('POST', path, { to: FRIEND, text }, { 'idempotency-key': text });
    const answer = await this.#note(`send ${text}`, ask, 200);
    if (answer) this.#texts.set(session, [...(this.#texts.get(session) ?? []), text]);
  }

  /** Whether it was answered as it should be. */
  async #note(what: string, ask: () => Promise<Answer>, status = 200): Promise<boolean> {
    const begun = performance.now();
    const answer = await ask();
    this.#requests += 1;
    this.#longest = Math.max(this.#longest, (performance.now() - begun) / 1000);
    if (answer.kind === 'answered' && answer.status === status) return true;
    this.#failures.push(`${new Date().toISOString()} ${what}: ${JSON.stringify(answer).slice(0, 300)}`);
    return false;
  }
}
