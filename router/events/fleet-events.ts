import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { type EventData, eventId, type WharfEvent } from '../../fleet/events/event.ts';
import type { EventLog } from '../../fleet/events/event-log.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import type { Assignment } from '../../fleet/records.ts';
import type { InstanceView } from '../failover/view.ts';

/** What a router sees of the fleet at one moment; a part of what its story is told from. */
export interface FleetScene {
  assignments: readonly Assignment[];
  moves: readonly { workspace: WorkspaceId; to: string | null; reason: string; state: string }[];
  instances: readonly InstanceView[];
  /** Whether this router leads. */
  leads: boolean;
}

/** Events that wait for the log while it is away; older ones give way. */
const MOST_WAITING = 5000;

/** Events written at a time, and milliseconds before a failed write is tried again. */
const BATCH = 200;
const PAUSE = 2000;

/** For so long a router that does not lead remembers what it saw of instances, milliseconds: the one that led may have died of the same. */
const REMEMBERED = 30_000;

/**
 * Writes down what happens to the fleet: `workspace.moved` and `instance.status`.
 *
 * Every router tells of a workspace that moved, under the same id, so that the log keeps it once and a router that dies tells nothing less. What is concluded
 * of an instance the leader tells; who becomes the leader tells what it saw in the last half minute too. What happens while no router runs, or what is
 * thrown away while the log is away for long, is told by nobody: ask `GET /api/fleet` for how things stand.
 */
export class FleetEvents {
  readonly #log: Pick<EventLog, 'append'>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  /** Who had each workspace claimed last. */
  readonly #owners = new Map<WorkspaceId, string>();
  readonly #instances = new Map<string, { verdict: string; incarnation: string | null }>();
  #seen: { event: WharfEvent; at: number }[] = [];
  #waiting: WharfEvent[] = [];
  #lost = 0;
  #first = true;
  #writing: Promise<void> | undefined;

  constructor(log: Pick<EventLog, 'append'>, clock: Clock, logger: Logger) {
    this.#log = log;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Compares with what was seen before; the first look tells nothing, since nobody knows what was before. */
  see(scene: FleetScene): void {
    const moved = this.#movesIn(scene);
    const judged = this.#statusesIn(scene);
    if (this.#first) {
      // Assignments come later than the rest where Redis is slow: a look without any does not count.
      this.#first = scene.assignments.length === 0 && scene.instances.length === 0;
      return;
    }
    const now = this.#clock.monotonic();
    this.#seen = this.#seen.filter(({ at }) => now - at < REMEMBERED);
    this.#seen.push(...judged.map((event) => ({ event, at: now })));
    this.#waiting.push(...moved);
    if (scene.leads) this.#waiting.push(...this.#seen.splice(0).map(({ event }) => event));
    this.#writeOn();
  }

  /** Writes down what waits, if that goes at once. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#writing;
  }

  #movesIn({ assignments, moves }: FleetScene): WharfEvent[] {
    const events: WharfEvent[] = [];
    for (const { workspace_id: workspace, instance, epoch, claimed } of assignments) {
      // Until it is claimed it may go elsewhere yet.
      if (!claimed) continue;
      const from = this.#owners.get(workspace);
      this.#owners.set(workspace, instance);
      if (from === undefined || from === instance) continue;
      const move = moves.find(
        (each) => each.workspace === workspace && each.to === instance && each.state !== 'failed',
      );
      const data: EventData<'workspace.moved'> = {
        from,
        to: instance,
        epoch,
        why: move?.reason ?? 'takeover',
      };
      events.push(this.#event('workspace.moved', workspace, data, epoch, instance));
    }
    return events;
  }

  #statusesIn({ instances }: FleetScene): WharfEvent[] {
    const events: WharfEvent[] = [];
    for (const { instance, verdict, incarnation, since } of instances) {
      // Where Redis is away, or nothing was heard yet, there is nothing to say.
      if (verdict === 'unknown') continue;
      const before = this.#instances.get(instance);
      this.#instances.set(instance, { verdict, incarnation: incarnation ?? before?.incarnation ?? null });
      const began = incarnation !== null && before !== undefined && before.incarnation !== incarnation;
      if (before?.verdict === verdict && !began) continue;
      const data: EventData<'instance.status'> = {
        instance,
        status: verdict,
        previous: before?.verdict ?? null,
      };
      // Both are final for an incarnation, so that two leaders' words of it are one event; what may come and go is told by its time.
      const once = verdict === 'dead' || began || before === undefined;
      const nature = [instance, incarnation ?? before?.incarnation ?? '', verdict, once ? '' : since];
      events.push(this.#event('instance.status', null, data, ...nature));
    }
    return events;
  }

  #event(
    type: 'workspace.moved' | 'instance.status',
    workspace: WorkspaceId | null,
    data: EventData<typeof type>,
    ...nature: (string | number)[]
  ): WharfEvent {
    return {
      id: eventId(type, workspace, null, ...nature),
      type,
      timestamp: new Date(this.#clock.now()).toISOString(),
      workspace_id: workspace,
      session_id: null,
      data,
    };
  }

  #writeOn(): void {
    const over = this.#waiting.length - MOST_WAITING;
    if (over > 0) {
      this.#waiting.splice(0, over);
      this.#lost += over;
    }
    if (this.#waiting.length === 0) return;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    let told = false;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, BATCH);
      try {
        await this.#log.append(batch);
        const written = new Set(batch);
        this.#waiting = this.#waiting.filter((event) => !written.has(event));
      } catch (error) {
        if (!told) this.#logger.debug({ reason: messageOf(error) }, 'fleet events wait for the log');
        told = true;
        if (this.#stopping.signal.aborted) return;
        await this.#clock.sleep(PAUSE, this.#stopping.signal).catch(() => {});
      }
    }
    if (this.#lost > 0)
      this.#logger.warn({ events: this.#lost }, 'fleet events were thrown away: the log was away for long');
    this.#lost = 0;
  }
}
