import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from '../../helpers/random.ts';
import { publish, rounded } from '../support/report.ts';
import { quantile } from '../support/statistics.ts';
import { checkChat } from './check.ts';
import type { Json, KillableFleet } from './fleet.ts';
import { burst, type LinkedSession } from './traffic.ts';

/** How long all sessions may take to be ready, milliseconds. */
const READY_PATIENCE = 60_000;

/** To how many of the sessions' logs a torn record is added after the first kill of a round. */
const TORN_SHARE = 0.2;

interface Totals {
  kills: number;
  /** Of the instance's process alone. */
  killsAlone: number;
  browsersKilled: number;
  /** Logs that were torn by hand. */
  torn: number;
  cleanStops: number;
  uncleanStops: number;
  browsersLeft: number;
  qrs: number;
  notReady: number;
  delivered: number;
  answered: number;
  acknowledged: number;
  missing: number;
  stuck: number;
  doubled: number;
  readyMilliseconds: number[];
}

/**
 * A round: every session in the midst of messages in and out; kill -9 of the instance's process at a random moment, in three of four
 * kills together with all processes of its browsers; one log in five torn as a kill may leave it; started, all ready; stopped cleanly, or
 * killed again, idle or in a burst; started, all ready; everything compared.
 */
export class Proof {
  /** What went wrong, for people. */
  readonly problems: string[] = [];
  readonly #fleet: KillableFleet;
  readonly #random: SeededRandom;
  #sessions: LinkedSession[] = [];
  #linked = 0;
  readonly #totals: Totals = {
    kills: 0,
    killsAlone: 0,
    browsersKilled: 0,
    torn: 0,
    cleanStops: 0,
    uncleanStops: 0,
    browsersLeft: 0,
    qrs: 0,
    notReady: 0,
    delivered: 0,
    answered: 0,
    acknowledged: 0,
    missing: 0,
    stuck: 0,
    doubled: 0,
    readyMilliseconds: [],
  };

  constructor(fleet: KillableFleet, random: SeededRandom) {
    this.#fleet = fleet;
    this.#random = random;
  }

  async link(count: number): Promise<void> {
    await this.#fleet.startInstance();
    this.#sessions = await Promise.all(Array.from({ length: count }, () => this.#link()));
  }

  async round(number: number): Promise<void> {
    const totals = this.#totals;
    const before = this.problems.length;
    // A chat of its own for each round and session, so that one reading brings all of it.
    const friend = (index: number) =>
      `4918${String(number).padStart(5, '0')}${String(index).padStart(3, '0')}`;
    const answered = await this.#burstAndKill(number, friend, 'first', this.#random.between(20, 1500));
    await this.#tear();
    await this.#startAgain(number);
    const how = this.#random.oneOf(['stop', 'kill idle', 'kill in a burst']);
    if (how === 'stop') {
      if (await this.#fleet.stopInstance()) totals.cleanStops += 1;
      else totals.uncleanStops += 1;
    } else if (how === 'kill idle') {
      await sleep(this.#random.between(0, 500));
      await this.#kill(number);
    } else {
      const more = await this.#burstAndKill(number, friend, 'second', this.#random.between(0, 800));
      for (const [id, ids] of more) answered.set(id, [...(answered.get(id) ?? []), ...ids]);
    }
    await this.#startAgain(number);
    await this.#check(number, friend, answered);
    const tails = (await this.#fleet.tornTails()).length;
    const fault = this.problems.length > before ? ` PROBLEMS ${this.problems.length - before}` : '';
    process.stderr.write(`round ${number}: ${how}; torn so far ${tails}${fault}\n`);
  }

  async report(run: { rounds: number; seed: number; json: string | undefined }): Promise<void> {
    const fleet = this.#fleet;
    const state = (await fleet.emulator('GET', '/state'))['totals'] as Record<string, number>;
    if ((state['rollbacks'] ?? 0) > 0) {
      const { log } = await fleet.emulator('GET', '/log?event=rollback');
      this.problems.push(`the emulator saw older profiles: ${JSON.stringify(log).slice(0, 2000)}`);
    }
    if ((state['unreadable'] ?? 0) > 0)
      this.problems.push(`${state['unreadable']} messages could not be read`);
    const corrupted = fleet.warnings.filter((line) => /corrupt/.test(String(line['msg']))).length;
    if (corrupted > 0) this.problems.push(`Chromium found its database corrupt ${corrupted} times`);
    const strays = await fleet.strays();
    if (strays.length > 0) this.problems.push(`files in the working directory: ${strays.join(', ')}`);
    const tails = await fleet.tornTails();
    const totals = this.#totals;
    if (tails.length < totals.torn)
      this.problems.push(`${totals.torn} logs were torn by hand, and only ${tails.length} were repaired`);
    const figures = {
      rounds: run.rounds,
      sessions: this.#sessions.length,
      kills: totals.kills,
      kills_of_the_instance_alone: totals.killsAlone,
      browsers_killed: totals.browsersKilled,
      clean_stops: totals.cleanStops,
      logs_torn_by_hand: totals.torn,
      torn_logs_repaired: tails.length,
      qr_asked: totals.qrs,
      not_ready: totals.notReady,
      browsers_left: totals.browsersLeft,
      messages_acknowledged: totals.acknowledged,
      messages_missing: totals.missing,
      messages_stuck: totals.stuck,
      messages_doubled: totals.doubled,
      rollbacks: state['rollbacks'] ?? 0,
      unreadable: state['unreadable'] ?? 0,
      corruptions: corrupted,
      stray_files: strays.length,
      all_ready_ms_p50: rounded(quantile(totals.readyMilliseconds, 0.5), 0),
      all_ready_ms_p99: rounded(quantile(totals.readyMilliseconds, 0.99), 0),
    };
    await publish(
      {
        name: 'kills',
        title: `kill -9 of an instance in the midst of messages, seed ${run.seed}: ${this.problems.length === 0 ? 'nothing lost' : `${this.problems.length} PROBLEMS`}`,
        runs: run.rounds,
        versions: {},
        figures,
        rows: Object.entries(figures),
        details: { seed: run.seed, totals, tails, problems: this.problems },
      },
      { json: run.json, quick: false },
    );
    for (const problem of this.problems) process.stdout.write(`${problem}\n`);
  }

  async close(): Promise<void> {
    const keep = this.problems.length > 0;
    await this.#fleet.close(keep);
    if (keep) process.stderr.write(`kept for a look: ${this.#fleet.directory}\n`);
  }

  async #link(): Promise<LinkedSession> {
    this.#linked += 1;
    const session = { id: `s${this.#linked}`, phone: `49170${String(this.#linked).padStart(7, '0')}` };
    await this.#fleet.session('PUT', session.id, '', {});
    const { qr } = await this.#fleet.session('GET', session.id, '/qr?wait=30');
    await this.#fleet.emulator('POST', '/scan', { qr, phone: session.phone });
    if (!(await this.#isReady(session))) throw new Error(`session ${session.id} was linked and is not ready`);
    return session;
  }

  async #burstAndKill(
    number: number,
    friend: (index: number) => string,
    which: string,
    milliseconds: number,
  ): Promise<Map<string, string[]>> {
    const over = new AbortController();
    const bursts = this.#sessions.map((session, index) =>
      burst(
        this.#fleet,
        session,
        friend(index),
        `${which} burst of round ${number}, ${session.id}`,
        over.signal,
      ),
    );
    await sleep(milliseconds);
    await this.#kill(number);
    over.abort();
    const answered = new Map<string, string[]>();
    for (const [index, result] of (await Promise.all(bursts)).entries()) {
      this.#totals.delivered += result.delivered;
      this.#totals.answered += result.answered.length;
      answered.set(this.#sessions[index]?.id ?? '', result.answered);
      for (const refusal of result.refused)
        this.problems.push(`round ${number}: a send was refused: ${refusal}`);
    }
    return answered;
  }

  async #kill(number: number): Promise<void> {
    this.#totals.kills += 1;
    const all = this.#random.between(0, 1) < 0.75;
    if (all) this.#totals.browsersKilled += this.#sessions.length;
    else this.#totals.killsAlone += 1;
    const left = await this.#fleet.killInstance(all);
    this.#totals.browsersLeft += left;
    if (left > 0) this.problems.push(`round ${number}: ${left} browsers outlived their instance`);
  }

  /** Some kills leave a torn log by themselves; this makes sure that there are some in every run. */
  async #tear(): Promise<void> {
    for (const { id } of this.#sessions) {
      if (this.#random.between(0, 1) >= TORN_SHARE) continue;
      await this.#fleet.tearLog(id);
      this.#totals.torn += 1;
    }
  }

  /** Starts the instance, and waits for all sessions; one that does not come back is replaced, so that the rounds go on. */
  async #startAgain(number: number): Promise<void> {
    const from = performance.now();
    await this.#fleet.startInstance();
    const ready = await Promise.all(this.#sessions.map((session) => this.#isReady(session)));
    this.#totals.readyMilliseconds.push(performance.now() - from);
    for (const [index, session] of this.#sessions.entries()) {
      if (ready[index] === true) continue;
      const detail = await this.#fleet.session('GET', session.id);
      const asked = detail['status'] === 'qr' || detail['status'] === 'logged_out';
      if (asked) this.#totals.qrs += 1;
      else this.#totals.notReady += 1;
      this.problems.push(
        `round ${number}: session ${session.id} is ${String(detail['status'])}: ${String(detail['last_error'])}; ${JSON.stringify(this.#warningsOf(session.id))}`,
      );
      this.#sessions[index] = await this.#link();
    }
  }

  async #isReady({ id }: LinkedSession): Promise<boolean> {
    const end = performance.now() + READY_PATIENCE;
    for (;;) {
      const { status } = await this.#fleet.session('GET', id);
      if (status === 'ready') return true;
      if (status === 'logged_out' || status === 'failed' || performance.now() > end) return false;
      await sleep(25);
    }
  }

  async #check(
    number: number,
    friend: (index: number) => string,
    answered: Map<string, string[]>,
  ): Promise<void> {
    await Promise.all(
      this.#sessions.map(async (session, index) => {
        const ids = answered.get(session.id);
        // It was replaced in this round: what it had is told with its loss.
        if (ids === undefined) return;
        const check = await checkChat(this.#fleet, session, friend(index), ids);
        this.#totals.acknowledged += check.acknowledged;
        for (const kind of ['missing', 'stuck', 'doubled'] as const) {
          const found = check[kind];
          this.#totals[kind] += found.length;
          if (found.length > 0)
            this.problems.push(
              `round ${number}: session ${session.id}: ${found.length} messages ${kind}: ${found.slice(0, 5).join(', ')}`,
            );
        }
      }),
    );
  }

  #warningsOf(session: string): Json[] {
    return this.#fleet.warnings.filter((line) => line['session'] === session).slice(-5);
  }
}
