import type { Clock } from '../../common/clock.ts';
import { isWharfError, messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { type EventData, eventId, type WharfEvent } from '../../fleet/events/event.ts';
import type { EventLog } from '../../fleet/events/event-log.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import type { SessionQueues } from '../../fleet/queue/session-queues.ts';
import type { Session } from '../session/session.ts';
import type { SessionManager, Turn } from '../session/session-manager.ts';
import type { ClockWatch } from './clock-watch.ts';
import {
  type InactivityFacts,
  type InactivityPlan,
  type InactivityRules,
  type InactivityStep,
  planInactivity,
} from './inactivity-plan.ts';

const DAY = 24 * 60 * 60_000;
/** A session is here for so long before it is stopped or deleted, milliseconds: what its owner before did not write down of its activity is found in its histories first. */
const REST = 15 * 60_000;
/** Steps that are taken in a round, and how many of them may be deletions: a setting that somebody regrets is noticed before all is gone. */
const STEPS_A_ROUND = 25;
const DELETIONS_A_ROUND = 5;

type Step = Extract<InactivityPlan, { kind: 'step' }>;

/** What is done with sessions that nobody uses, with what. */
export interface InactivityParts {
  rules: InactivityRules;
  /** Workspaces whose sessions are all kept. */
  kept: ReadonlySet<WorkspaceId>;
  manager: Pick<SessionManager, 'all' | 'inItsTurn'>;
  queues: Pick<SessionQueues, 'hasMessages'>;
  events: Pick<EventLog, 'append'>;
  /** Whether what came to a session while it was not heard is told. */
  histories: { isTold(session: Session): boolean };
  watch: Pick<ClockWatch, 'isTrusted'>;
  clock: Pick<Clock, 'now'>;
  log: Logger;
  onStep: (step: InactivityStep) => void;
}

/**
 * Warns of sessions that nobody uses, stops and deletes them. Before each step an event tells of it, or the step is not taken; what was done, and since when nobody used the
 * session, stands in its record.
 */
export class Inactivity {
  readonly #parts: InactivityParts;

  constructor(parts: InactivityParts) {
    this.#parts = parts;
  }

  /** Looks at every session, where the clock can be gone by. */
  async round(signal: AbortSignal): Promise<void> {
    const { manager, rules, watch } = this.#parts;
    if (rules.warn > 0 && !(await watch.isTrusted())) return;
    let steps = STEPS_A_ROUND;
    let deletions = DELETIONS_A_ROUND;
    for (const session of manager.all()) {
      if (signal.aborted) return;
      const plan = this.#plan(session);
      if (plan.kind === 'nothing') {
        session.noteActivity();
        continue;
      }
      if (plan.kind === 'step' && (steps === 0 || (plan.step === 'delete' && deletions === 0))) continue;
      const taken = await this.#carryOut(session);
      if (taken !== null) steps -= 1;
      if (taken === 'delete') deletions -= 1;
    }
  }

  /** So many sessions were warned of or stopped, and are not used since. */
  count(step: 'warn' | 'stop'): number {
    return this.#parts.manager.all().filter(({ record }) => record.inactivity?.step === step).length;
  }

  #plan(session: Session): InactivityPlan {
    return planInactivity(this.#factsOf(session), this.#parts.rules, this.#parts.clock.now());
  }

  #factsOf(session: Session): InactivityFacts {
    const { inactivity, keep, should_run, workspace_id } = session.record;
    return {
      lastActive: lastActive(session),
      taken: inactivity
        ? { step: inactivity.step, at: Date.parse(inactivity.at), since: Date.parse(inactivity.since) }
        : null,
      runs: should_run,
      isKept: keep === true || this.#parts.kept.has(workspace_id),
    };
  }

  /** Does what is to be done with one, as it stands when its turn comes. The step that was taken. */
  async #carryOut(session: Session): Promise<InactivityStep | null> {
    const { log, manager } = this.#parts;
    const { session_id: id, workspace_id: workspace } = session.record;
    // What another owner may still write, or what is on its way, is looked at again in the next round.
    if (session.status !== 'ready' && !session.isAtRest) return null;
    try {
      return await manager.inItsTurn(workspace, id, false, async (turn) => {
        if (turn.session() !== session) return null;
        const plan = this.#plan(session);
        if (plan.kind === 'step') return (await this.#take(plan, session, turn)) ? plan.step : null;
        await this.#write(plan, session);
        return null;
      });
    } catch (error) {
      if (!isWharfError(error)) throw error;
      // Handed over, or something is away.
      log.warn(
        { workspace, session: id, reason: messageOf(error) },
        'a session that may be unused is looked at again in an hour',
      );
      return null;
    }
  }

  async #write(plan: Exclude<InactivityPlan, Step>, session: Session): Promise<void> {
    const active = lastActive(session);
    // Keys that hold nothing are left out: an earlier version cannot read them.
    if (plan.kind === 'begin')
      await session.note({ last_active_at: iso(this.#parts.clock.now()), inactivity: undefined });
    else if (plan.kind === 'end') await session.note({ last_active_at: undefined, inactivity: undefined });
    else if (plan.kind === 'forget')
      await session.note({
        inactivity: undefined,
        ...(active === null ? {} : { last_active_at: iso(active) }),
      });
  }

  /** False where it is not taken after all. */
  async #take(plan: Step, session: Session, turn: Turn): Promise<boolean> {
    const { clock, events, log, onStep, queues } = this.#parts;
    const { session_id, workspace_id: workspace } = session.record;
    const told = { workspace, session: session_id, step: plan.step, since: iso(plan.since) };
    if (plan.step !== 'warn') {
      if (!this.#isKnown(session)) return false;
      // One that has something to send next month is in use.
      if (await queues.hasMessages({ workspace, session: session_id })) return false;
    }
    await events.append([this.#eventOf(plan, session)]);
    turn.require();
    if (plan.step === 'delete') {
      log.warn(told, 'a session that nobody uses is deleted; it is in the trash for 7 days');
      await turn.delete();
    } else {
      const since = iso(plan.since);
      const inactivity = { step: plan.step, at: iso(clock.now()), since };
      if (plan.step === 'warn') {
        log.warn(told, 'nobody has used the session for long');
        await session.note({ last_active_at: since, inactivity });
      } else {
        log.warn(told, 'a session that nobody uses is stopped');
        await session.stop({ last_active_at: since, inactivity });
      }
    }
    onStep(plan.step);
    return true;
  }

  /** Whether all that came to it is known here: one that runs has told its histories. */
  #isKnown(session: Session): boolean {
    if (session.age < REST) return false;
    const { record, status } = session;
    if (status === 'ready') return this.#parts.histories.isTold(session);
    return !record.should_run || status === 'failed' || status === 'logged_out';
  }

  #eventOf({ next, since, step }: Step, session: Session): WharfEvent<'session.inactive'> {
    const now = this.#parts.clock.now();
    const { session_id, workspace_id } = session.record;
    const data: EventData<'session.inactive'> = {
      step,
      inactive_since: iso(since),
      inactive_days: Math.floor((now - since) / DAY),
      next_step: next?.step ?? null,
      next_at: next ? iso(next.at) : null,
    };
    return {
      // The log takes an id once. What is tried again within hours is told once; a step that is taken anew, as after the session was kept for a while, is
      // told anew: it has another day for what follows.
      id: eventId('session.inactive', workspace_id, session_id, step, since, Math.floor(now / DAY)),
      type: 'session.inactive',
      timestamp: iso(now),
      workspace_id,
      session_id,
      data,
    };
  }
}

/** When a message came or went last, milliseconds since 1970: as the record says, or as was seen here since. Null where nobody counts yet. */
function lastActive(session: Session): number | null {
  const { last_active_at } = session.record;
  if (!last_active_at) return null;
  return Math.max(Date.parse(last_active_at), session.lastActivity ?? 0);
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
