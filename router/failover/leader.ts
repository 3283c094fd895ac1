import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { ClaimStore } from '../../fleet/claims.ts';
import type { Coordination } from '../../fleet/coordination.ts';
import { hasEnded } from '../../fleet/coordination-rules.ts';
import type { OwnershipTimes } from '../../fleet/ownership-times.ts';
import { Patience } from '../../fleet/patience.ts';
import type { FleetFacts, FleetSettings } from './facts.ts';
import type { Admitted } from './freeze.ts';
import type { Probes } from './monitor.ts';
import { MoveDriver } from './move-driver.ts';
import type { OrderSender } from './order-sender.ts';
import { fleetView, hearOf, NOTHING_READ, planOf, type Read, viewsOf } from './picture.ts';
import type { TakeoverPlan } from './planner.ts';
import { ReadyWatch } from './ready-watch.ts';
import { Rebuild } from './rebuild.ts';
import type { FailoverRecorder } from './recorder.ts';
import { type Scene, Story } from './story.ts';
import { Takeovers } from './takeovers.ts';
import type { Candidate } from './targets.ts';
import { Unclaimed } from './unclaimed.ts';
import { VERDICT_TIMES } from './verdict.ts';
import type { FleetEvent, FleetView } from './view.ts';
import { Watch } from './watch.ts';

/** Between two ticks, milliseconds: what adds to a lease until a death is noticed. */
const TICK = 500;

/** All assignments are read so often while something is under way, and while nothing is; milliseconds. They are many. */
const READ_BUSY = 1000;
const READ_IDLE = 5000;

/** The settings on the shared storage are read so often, milliseconds. */
const SETTINGS_INTERVAL = 5000;

/** What a leader is made of. All that it asks of the world is here, so that the same code runs in simulation. */
export interface LeaderParts {
  /** This router's id. */
  router: string;
  coordination: Coordination;
  claims: Pick<ClaimStore, 'workspaces' | 'highest'>;
  facts: FleetFacts;
  settings: FleetSettings;
  probes: Probes;
  orders: OrderSender;
  clock: Clock;
  times: OwnershipTimes;
  recorder: FailoverRecorder;
  /** Shown what is seen at each tick. */
  onScene?: (scene: Scene, leads: boolean) => void;
  log: Logger;
  /** Random, for ids; at least 8 characters. */
  random: () => string;
}

/**
 * Every router runs one. All look, judge and plan alike; the one that holds the leader's lease acts. What it does is found again from what is
 * seen, and fenced by epochs: one that dies half-way costs the seconds until another leads, and two at once do no harm.
 */
export class Leader {
  readonly #parts: LeaderParts;
  readonly #patience: Patience;
  readonly #watch: Watch;
  readonly #takeovers: Takeovers;
  readonly #driver: MoveDriver;
  readonly #rebuild: Rebuild;
  readonly #ready: ReadyWatch;
  readonly #story: Story;
  #read: Read = NOTHING_READ;
  #readAt = Number.NEGATIVE_INFINITY;
  #readDue = true;
  #redisAnswers = true;
  #admitted: readonly Admitted[] = [];
  readonly #unclaimed = new Unclaimed();
  #view: FleetView;
  #tickedAt: number | undefined;
  #settingsAt = Number.NEGATIVE_INFINITY;
  #readingSettings = false;
  #wake = new AbortController();

  constructor(parts: LeaderParts) {
    this.#parts = parts;
    this.#patience = new Patience(parts.clock, parts.times);
    this.#watch = new Watch({ ...VERDICT_TIMES, lease: parts.times.lease });
    this.#takeovers = new Takeovers(parts);
    this.#driver = new MoveDriver(parts);
    this.#rebuild = new Rebuild(parts);
    this.#ready = new ReadyWatch(parts.facts, parts.recorder);
    this.#story = new Story((event) => this.#tell(event));
    this.#view = fleetView(parts.router, null, [], undefined, parts.settings.current());
  }

  /** Looks, and leads where nobody else does, until aborted; then gives the lead up. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, coordination, router, log } = this.#parts;
    // Not AbortSignal.any: what is derived from a signal that lives on is never quite let go of, 10 MB a day at this pace.
    const stop = () => this.#wake.abort();
    signal.addEventListener('abort', stop, { once: true });
    while (!signal.aborted) {
      try {
        await this.#tick();
      } catch (error) {
        log.error(
          { reason: messageOf(error) },
          'a round of the failover did not come to its end; tried again',
        );
        this.#readDue = true;
      }
      await clock.sleep(TICK, this.#wake.signal).catch(() => {});
      this.#wake = new AbortController();
    }
    await this.#patience.redis(coordination.resign(router)).catch(() => {});
  }

  /** Looks at everything now: something was asked for. */
  wake(): void {
    this.#readDue = true;
    this.#settingsAt = Number.NEGATIVE_INFINITY;
    this.#wake.abort();
  }

  /** How it stands, as of the last tick. */
  status(): FleetView {
    return this.#view;
  }

  /** What goes on: takeovers of this router whose sessions are not all ready, and moves of the fleet. */
  underWay(): { takeovers: number; moves: number } {
    const moves = this.#read.moves.filter((move) => !hasEnded(move)).length;
    return { takeovers: this.#ready.waitedFor, moves };
  }

  /** What happened, oldest first. */
  events(): readonly FleetEvent[] {
    return this.#story.events;
  }

  get #leads(): boolean {
    return this.#read.leader === this.#parts.router;
  }

  async #tick(): Promise<void> {
    const { clock, times, settings, facts } = this.#parts;
    const now = clock.monotonic();
    // Whoever was stopped for a while has seen nothing meanwhile, and concludes nothing from that.
    if (this.#tickedAt !== undefined && now - this.#tickedAt > TICK + 2 * times.renew) this.#watch.gap(now);
    this.#rereadSettings(now);
    try {
      await this.#look(now);
      this.#redisAnswers = true;
    } catch (error) {
      this.#parts.log.debug({ reason: messageOf(error) }, 'Redis is away');
      this.#redisAnswers = false;
      this.#read = { ...this.#read, leader: null };
      this.#watch.redisAway();
    }
    const standings = this.#watch.standings(now);
    const current = settings.current();
    const wall = (monotonic: number) => clock.now() - (clock.monotonic() - monotonic);
    const views = viewsOf(standings, current.draining, times.lease, wall);
    const { plan, candidates } = planOf({
      now,
      read: this.#read,
      standings,
      admitted: this.#admitted,
      settings: current,
      facts,
      views,
      unclaimedFor: (assignment) => this.#unclaimed.lasts(assignment, now),
      driven: (workspace, epoch) => this.#takeovers.driven(workspace, epoch),
    });
    this.#admitted = plan.admitted;
    this.#view = fleetView(this.#parts.router, this.#read.leader, views, plan, current);
    const scene = {
      view: this.#view,
      redisAnswers: this.#redisAnswers,
      assignments: this.#read.assignments,
      moves: this.#read.moves,
      takeovers: plan.takeovers,
    };
    this.#story.see(scene, clock.now());
    this.#parts.onScene?.(scene, this.#leads);
    this.#ready.tick(now);
    this.#tickedAt = clock.monotonic();
    if (this.#leads && this.#redisAnswers) await this.#act(plan, candidates);
    // Acting may take long where much is lost; that is no gap in looking.
    this.#tickedAt = clock.monotonic();
  }

  /** Asks Redis how it stands. Throws `redis_unavailable`. */
  async #look(now: number): Promise<void> {
    const { coordination, router, times, probes, facts } = this.#parts;
    const led = this.#leads;
    const { leader } = await this.#patience.redis(coordination.lead(router, times.lease));
    const answer = await this.#patience.redis(coordination.leases());
    const notes = await this.#patience.redis(coordination.routers());
    const before = this.#watch.standings(now).filter(({ lease }) => lease !== 'gone').length;
    if (this.#watch.saw(answer, now) || (leader === router && !led)) {
      this.#rebuild.request();
      this.#readDue = true;
    }
    if (answer.leases.length !== before) this.#readDue = true;
    const interval = this.#isBusy() ? READ_BUSY : READ_IDLE;
    let { assignments, moves } = this.#read;
    if (this.#readDue || now - this.#readAt >= interval) {
      assignments = await this.#patience.redis(coordination.assignments());
      moves = await this.#patience.redis(coordination.moves());
      this.#readDue = false;
      this.#readAt = now;
      this.#unclaimed.note(assignments, now);
    }
    this.#read = { leader, assignments, moves, notes: notes.filter((note) => note.router !== router) };
    this.#watch.judge(hearOf(this.#read, answer.leases, this.#admitted, probes, facts), now);
  }

  #isBusy(): boolean {
    return (
      this.#unclaimed.size > 0 ||
      this.#read.moves.some((move) => !hasEnded(move)) ||
      this.#view.instances.some(({ verdict }) => verdict !== 'healthy')
    );
  }

  async #act(plan: TakeoverPlan, candidates: readonly Candidate[]): Promise<void> {
    const { settings, clock } = this.#parts;
    this.#rebuild.tick();
    const now = clock.monotonic();
    const standings = this.#watch.standings(now);
    const allowed = new Set(plan.admitted.map(({ instance }) => instance));
    await this.#takeovers.revoke(standings, allowed);
    const noticed = new Map(standings.map(({ instance, since }) => [instance, since]));
    const from = new Map(plan.takeovers.map((takeover) => [takeover.workspace, takeover.from]));
    const taken = await this.#takeovers.carryOut(plan);
    for (const [workspace, epoch] of taken)
      this.#ready.takenOver(workspace, epoch, noticed.get(from.get(workspace) ?? '') ?? now);
    const { draining, quarantined } = settings.current();
    const moved = await this.#driver.drive({
      moves: this.#read.moves,
      assignments: this.#read.assignments,
      // What was just taken over is on its way; what is known of it here is old.
      except: new Set(taken.keys()),
      candidates,
      emptied: [
        ...this.#alive(candidates, [...draining]).map((instance) => ({ instance, reason: 'drain' as const })),
        ...plan.handOvers.map((instance) => ({ instance, reason: 'hand_over' as const })),
      ],
    });
    if (taken.size > 0 || moved || plan.redirects.length > 0) this.#readDue = true;
    for (const workspace of this.#watch.blamed()) {
      if (!quarantined.has(workspace)) await this.#patience.storage(settings.setQuarantined(workspace, true));
      this.#watch.forgive(workspace);
    }
    await this.#thaw(candidates);
  }

  /** Of the dead, all is taken over anyway. */
  #alive(candidates: readonly Candidate[], instances: readonly string[]): string[] {
    const alive = new Set(candidates.filter(({ verdict }) => verdict === 'healthy').map(({ id }) => id));
    return instances.filter((id) => alive.has(id));
  }

  /** What an operator said about one mass failure does not hold for the next. */
  async #thaw(candidates: readonly Candidate[]): Promise<void> {
    const { settings } = this.#parts;
    if (!settings.current().unfrozen) return;
    const owners = new Set(this.#read.assignments.map(({ instance }) => instance));
    const isWell = ({ id, verdict }: Candidate) => verdict === 'healthy' || !owners.has(id);
    if (candidates.every(isWell)) await this.#patience.storage(settings.setUnfrozen(false));
  }

  /** In the background, one reading at a time: a storage that hangs holds up no tick. */
  #rereadSettings(now: number): void {
    if (this.#readingSettings || now - this.#settingsAt < SETTINGS_INTERVAL) return;
    this.#readingSettings = true;
    this.#settingsAt = now;
    this.#parts.settings
      .reread()
      .catch((error: unknown) =>
        this.#parts.log.debug(
          { reason: messageOf(error) },
          'the fleet settings cannot be read; they stay as they were',
        ),
      )
      .finally(() => {
        this.#readingSettings = false;
      });
  }

  /** All routers see the same; the one that leads logs it loudly. */
  #tell({ kind, text, instance, workspace }: FleetEvent): void {
    const level = this.#leads ? 'info' : 'debug';
    this.#parts.log[level]({ event: kind, instance, workspace }, text);
  }
}
