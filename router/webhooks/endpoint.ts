import { messageOf } from '../../common/errors.ts';
import type { ReceiverState, ShardHolder } from '../../fleet/events/deliveries.ts';
import type { WharfEvent } from '../../fleet/events/event.ts';
import { Bell } from './bell.ts';
import { Circuit } from './circuit.ts';
import { Delivery, type DeliveryParts, letterOf } from './delivery.ts';
import { Intake } from './intake.ts';
import { type Candidate, Lanes } from './lanes.ts';
import { isHopeless } from './retry-rules.ts';
import type { Sender } from './sender.ts';
import type { Slots } from './slots.ts';

/** Sessions whose events are under way at one receiver at one time. */
export const SESSIONS_AT_ONCE = 10;

/** How often new events are looked for where nobody tells of them, milliseconds; spread, so that a router's receivers do not look all at once. */
const SWEEP_INTERVAL = 15_000;
/** After a fault of Redis. */
const PAUSE = 1000;
/** How often what others see of it is brought up to date, at most. */
const STATE_INTERVAL = 5000;
/** What became due since it was looked at, milliseconds. */
const SHORTEST_WAIT = 20;
const ASIDE_PAGE = 20;
const HOPELESS_PAGE = 100;

export interface EndpointParts extends Omit<DeliveryParts, 'circuit' | 'lanes' | 'sender'> {
  holder: ShardHolder;
  /** Whether the lease of the shard is proved at this moment. */
  mayWork: () => boolean;
  sender: Pick<Sender, 'send' | 'close'>;
  slots: Slots;
}

/**
 * Delivers the events of one workspace, while this router has its shard. One loop: whatever rings (a new event, an answer, a changed setting, time),
 * it looks at all there is to do, so that nothing hangs on a ring that got lost.
 */
export class Endpoint {
  readonly #parts: EndpointParts;
  readonly #bell = new Bell();
  readonly #lanes = new Lanes<WharfEvent>();
  readonly #intake: Intake;
  readonly #stopping = new AbortController();
  readonly #cut = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  readonly #ring = () => this.#bell.ring();
  #circuit = new Circuit();
  /** Undefined until it is known how the receiver did before. */
  #delivery: Delivery | undefined;
  #running: Promise<void> = Promise.resolve();
  /** When the next event that was set aside is due, by the wall clock; null: none is there. */
  #asideDue: number | null = 0;
  /** Monotonic, as is when the state was saved. */
  #nextSweep = 0;
  #pausedUntil = 0;
  #trouble = false;
  /** True where all slots of this router are taken: it rings when one is free. */
  #blocked = false;
  #counts = { aside: 0, dead: 0 };
  #saved = { text: '', at: Number.NEGATIVE_INFINITY };

  constructor(parts: EndpointParts) {
    this.#parts = parts;
    const { workspace, holder, deliveries, clock, recorder } = parts;
    const forgotten = (count: number) => recorder.forgotten(count);
    this.#intake = new Intake({ workspace, holder, deliveries, lanes: this.#lanes, clock, forgotten });
  }

  start(): void {
    this.#running = this.#run();
  }

  /** There may be new events. */
  newEvents(): void {
    this.#intake.look();
    this.#bell.ring();
  }

  /** Somebody did something by hand: the setting may be another, events may be replayed. So what waits is tried at once. */
  changed(): void {
    this.#asideDue = 0;
    this.#saved.text = '';
    this.#circuit.tryNow();
    this.#lanes.allDue(this.#now());
    this.#bell.ring();
  }

  /** The shard was not ours for a while, or may not have been. */
  doubt(): void {
    this.#intake.doubt();
    this.#bell.ring();
  }

  /** Begins nothing more, and waits for what is under way; after `patience` milliseconds it is cut off. */
  async stop(patience: number): Promise<void> {
    this.#stopping.abort();
    this.#parts.slots.forget(this.#ring);
    const over = new AbortController();
    const late = this.#parts.clock.sleep(patience, over.signal).catch(() => undefined);
    await Promise.race([Promise.all(this.#underWay), late]);
    over.abort();
    this.#cut.abort();
    await Promise.all(this.#underWay);
    await this.#running;
    await this.#parts.sender.close();
  }

  /** How the receiver does. */
  state(): ReceiverState {
    const now = this.#now();
    return {
      router: this.#parts.holder.router,
      at: now,
      circuit: this.#circuit.state,
      failuresInRow: this.#circuit.failuresInRow,
      failingSince: this.#circuit.failingSince,
      nextTryAt: this.#circuit.nextChange(now),
      lastTakenAt: this.#delivery?.lastTakenAt ?? null,
      lastFault: this.#delivery?.lastFault ?? null,
      pending: this.#lanes.size,
      oldestAt: this.#lanes.oldest(),
      ...this.#counts,
    };
  }

  async #run(): Promise<void> {
    const { clock, log, mayWork } = this.#parts;
    const { signal } = this.#stopping;
    this.#nextSweep = clock.monotonic() + SWEEP_INTERVAL * this.#parts.random();
    while (!signal.aborted) {
      if (mayWork() && clock.monotonic() >= this.#pausedUntil) {
        try {
          await this.#round();
          if (this.#trouble) log.info('the events of a webhook can be read again');
          this.#trouble = false;
        } catch (error) {
          if (!this.#trouble)
            log.warn({ reason: messageOf(error) }, 'the events of a webhook cannot be read');
          this.#trouble = true;
          this.#hesitate();
        }
      }
      await this.#bell.wait(this.#untilNext(), clock, signal);
    }
  }

  async #round(): Promise<void> {
    const record = this.#parts.record();
    if (!record || record.disabled !== null) return;
    if (!this.#delivery) await this.#goOn();
    const { clock, random } = this.#parts;
    if (clock.monotonic() >= this.#nextSweep) {
      this.#intake.look();
      this.#asideDue = 0;
      this.#nextSweep = clock.monotonic() + SWEEP_INTERVAL * (0.75 + 0.5 * random());
    }
    const stuck = this.#isStuck();
    if ((this.#intake.wantsMore || stuck) && !(await this.#intake.fill(record, stuck))) return;
    this.#blocked = false;
    if (this.#delivery) await this.#sendAll(this.#delivery);
    await this.#save();
  }

  async #sendAll(delivery: Delivery): Promise<void> {
    await this.#giveUpHopeless(delivery);
    this.#sendInOrder(delivery);
    await this.#sendAside(delivery);
  }

  /** Goes on where the router before stopped. */
  async #goOn(): Promise<void> {
    const { deliveries, workspace } = this.#parts;
    const before = (await deliveries.states([workspace])).get(workspace);
    this.#circuit = new Circuit(before?.failingSince ?? null);
    const parts = { ...this.#parts, circuit: this.#circuit, lanes: this.#lanes };
    this.#delivery = new Delivery(parts, this.#cut.signal, before);
  }

  /** Whether all that is here waits for events that are refused by themselves, while the receiver is well. */
  #isStuck(): boolean {
    if (this.#underWay.size > 0 || this.#circuit.state === 'open') return false;
    return this.#lanes.size > 0 && this.#lanes.candidates(this.#now(), 1).length === 0;
  }

  #sendInOrder(delivery: Delivery): void {
    const now = this.#now();
    for (const candidate of this.#next(now)) if (!this.#deliver(delivery, candidate)) return;
  }

  #next(now: number): Candidate<WharfEvent>[] {
    const busy = this.#underWay.size;
    const room = this.#circuit.allowed(now, SESSIONS_AT_ONCE) - busy;
    if (this.#circuit.state === 'closed') return room > 0 ? this.#lanes.candidates(now, room) : [];
    // A probe that failed may have been at fault itself.
    const probe = room > 0 ? this.#lanes.probe() : this.#lanes.follower(now);
    return probe && busy === 0 ? [probe] : [];
  }

  #deliver(delivery: Delivery, candidate: Candidate<WharfEvent>): boolean {
    return this.#occupy(candidate.waiting.lane, async () => {
      await delivery.inOrder(candidate, await this.#intake.whole(candidate.waiting));
    });
  }

  /** Runs a request in a slot and its lane; false where there is no slot. */
  #occupy(lane: string, send: () => Promise<void>): boolean {
    const { slots } = this.#parts;
    if (!slots.take(this.#underWay.size)) {
      slots.whenFree(this.#ring);
      this.#blocked = true;
      return false;
    }
    this.#lanes.occupy(lane);
    const task: Promise<void> = send()
      // What could not be written down is found again in what is pending.
      .catch((error: unknown) => {
        this.#parts.log.debug({ reason: messageOf(error) }, 'what became of a delivery could not be noted');
        this.#hesitate();
      })
      .finally(() => {
        this.#lanes.leave(lane);
        slots.give();
        this.#underWay.delete(task);
        this.#bell.ring();
      });
    this.#underWay.add(task);
    return true;
  }

  async #sendAside(delivery: Delivery): Promise<void> {
    const now = this.#now();
    if (this.#asideDue === null || this.#asideDue > now) return;
    // Those in order tell first whether a receiver is back.
    if (this.#circuit.state === 'open' && this.#lanes.size > 0) return;
    const hasRoom = () => this.#circuit.allowed(now, SESSIONS_AT_ONCE) > this.#underWay.size;
    if (!hasRoom()) return;
    const { deliveries, workspace } = this.#parts;
    const { due, next } = await deliveries.aside(workspace, now, ASIDE_PAGE);
    this.#asideDue = due.length === 0 ? next : now;
    for (const letter of due) {
      const lane = letter.event.session_id ?? '';
      if (!hasRoom()) return;
      if (this.#lanes.isBusy(lane)) continue;
      if (!this.#occupy(lane, () => delivery.aside(letter))) return;
    }
  }

  async #giveUpHopeless(delivery: Delivery): Promise<void> {
    const { failingSince } = this.#circuit;
    const { deliveries, workspace, times } = this.#parts;
    const now = this.#now();
    if (failingSince === null || now - failingSince < times.retryTime) return;
    const hopeless = [...this.#lanes.all()].filter(
      ({ at, lane }) => !this.#lanes.isBusy(lane) && isHopeless(at, failingSince, now, times.retryTime),
    );
    const letters = [];
    for (const waiting of hopeless.slice(0, HOPELESS_PAGE)) {
      const event = await this.#intake.whole(waiting);
      if (event) letters.push(letterOf(waiting, event, now, 'its receiver took nothing for so long'));
    }
    const asides = await deliveries.aside(workspace, Number.MAX_SAFE_INTEGER, HOPELESS_PAGE);
    letters.push(...asides.due.filter(({ movedAt }) => now - movedAt >= times.retryTime));
    if (letters.length === 0) return;
    await delivery.giveUp(letters);
    this.#bell.ring();
  }

  /** Writes down how the receiver does, for whoever looks and for the router that comes after. */
  async #save(): Promise<void> {
    const text = JSON.stringify({ ...this.state(), at: 0 });
    const { deliveries, workspace, clock } = this.#parts;
    if (text === this.#saved.text || clock.monotonic() - this.#saved.at < STATE_INTERVAL) return;
    this.#counts = await deliveries.counts(workspace);
    const state = this.state();
    await deliveries.saveState(workspace, state);
    this.#saved = { text: JSON.stringify({ ...state, at: 0 }), at: clock.monotonic() };
  }

  #hesitate(): void {
    this.#intake.doubt();
    this.#pausedUntil = this.#parts.clock.monotonic() + PAUSE;
  }

  /** Milliseconds until something is due by time alone. */
  #untilNext(): number {
    const now = this.#now();
    const monotonic = this.#parts.clock.monotonic();
    if (this.#pausedUntil > monotonic) return this.#pausedUntil - monotonic;
    const closed = this.#circuit.state === 'closed';
    const times = [this.#circuit.nextChange(now), closed || this.#lanes.size === 0 ? this.#asideDue : null];
    const waits = times.flatMap((time) => (time !== null && time > now ? [time - now] : []));
    const due = this.#lanes.nextDue();
    if (closed && !this.#blocked && this.#underWay.size < SESSIONS_AT_ONCE && due !== null)
      waits.push(Math.max(due - now, SHORTEST_WAIT));
    for (const time of [this.#nextSweep, this.#saved.at + STATE_INTERVAL])
      if (time > monotonic) waits.push(time - monotonic);
    return Math.min(SWEEP_INTERVAL, ...waits);
  }

  #now(): number {
    return this.#parts.clock.now();
  }
}
