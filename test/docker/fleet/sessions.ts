import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '../../chaos/real/asking.ts';
import type { Emulator } from '../../nspawn/machines/emulator.ts';
import type { RouterApi } from '../../nspawn/machines/router-api.ts';

/** How long a session may take to be somewhere, milliseconds. */
const PATIENCE = 300_000;

const FRIEND = '491800000001';

/** A linked session, and where its workspace is at home: `workspace_id % 2`. */
interface Linked {
  workspace: number;
  session: string;
  phone: string;
  home: 'instance-1' | 'instance-2';
}

const ALL: readonly Linked[] = [
  { workspace: 0, session: 'first', phone: '491700000001', home: 'instance-1' },
  { workspace: 1, session: 'second', phone: '491700000002', home: 'instance-2' },
];

/** Two sessions of the fleet, one at home on each instance, and their phones. */
export class Sessions {
  readonly all = ALL;
  readonly #api: RouterApi;
  readonly #emulator: Emulator;

  constructor(api: RouterApi, emulator: Emulator) {
    this.#api = api;
    this.#emulator = emulator;
  }

  /** Links every one. */
  async link(): Promise<void> {
    for (const { workspace, session, phone } of ALL) {
      await this.#api.must('POST', '/api/whatsapp/sessions', {
        workspace_id: workspace,
        session_id: session,
      });
      const { qr } = await this.#api.until(
        `/api/whatsapp/sessions/${session}/qr?wait=30`,
        (answer) => typeof answer['qr'] === 'string',
      );
      await this.#emulator.scan(String(qr), phone);
      await this.#api.until(`/api/whatsapp/sessions/${session}`, isReady);
    }
    await this.#emulator.allLinked();
  }

  /** Each is on the instance it is at home on, or on the one that is named. */
  async areOn(instance?: string): Promise<string[]> {
    const wrong: string[] = [];
    for (const { session, home } of ALL) {
      const found = String((await this.#api.must('GET', `/api/whatsapp/sessions/${session}`))['instance']);
      if (found !== (instance ?? home)) wrong.push(`${session} is on ${found}`);
    }
    return wrong;
  }

  /** Waits until sessions that are named, or all, are ready in browsers that came at a time (wall clock, ms) or later. */
  async readySince(since: number, named = ALL.map(({ session }) => session)): Promise<void> {
    for (const { session, phone } of ALL.filter((one) => named.includes(one.session))) {
      const end = performance.now() + PATIENCE;
      while (!(await this.#emulator.connectedSince(phone, since))) {
        if (performance.now() > end) throw new Error(`${session} does not come back`);
        await sleep(50);
      }
      await this.#api.until(`/api/whatsapp/sessions/${session}`, isReady);
    }
  }

  /** Sends a text from each, once, and waits until it is sent. Answers what was wrong. */
  async send(label: string): Promise<string[]> {
    const wrong: string[] = [];
    for (const { session, phone } of ALL) {
      const text = `${label} ${session}`;
      const path = `/api/whatsapp/sessions/${session}/messages?wait=50`;
      const answer = await this.#api.ask('POST', path, { to: FRIEND, text }, { 'idempotency-key': text });
      const times = (await this.#emulator.sent(phone)).get(text) ?? 0;
      if (answer.kind !== 'answered' || answer.status !== 200 || times !== 1)
        wrong.push(`${text}: WhatsApp has it ${times} times, ${JSON.stringify(answer).slice(0, 300)}`);
    }
    return wrong;
  }

  /** What has happened to them that must not: a QR, a logout, an older profile. */
  async misfortunes(): Promise<string[]> {
    return await this.#emulator.misfortunes();
  }
}

function isReady(answer: Json): boolean {
  return answer['status'] === 'ready';
}
