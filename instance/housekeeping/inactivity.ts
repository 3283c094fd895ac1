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
/** A session's last activity is written down where what stands there is so much older, milliseconds: a write for each session and half a day. */
const COARSE = DAY / 2;
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
  watch: ClockWatch;
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

  /** Looks at every session. */
  async round(signal: AbortSignal): Promise<void> {
    const { log, manager, rules, watch } = this.#parts;
    const { isTrusted, jump } = watch.look();
    if (jump !== null && rules.warn > 0)
      log.error(
        { jump_hours: Math.round(jump / 360_000) / 10 },
        "the host's clock was set: no session is stopped or deleted for being unused in the next 24 hours. See that it is right",
      );
    let steps = STEPS_A_ROUND;
    let deletions = DELETIONS_A_ROUND;
    for (const session of manager.all()) {
      if (signal.aborted) return;
      const plan = this.#plan(session);
      if (plan.kind === 'step') {
        if (steps === 0 || (plan.step === 'delete' && deletions === 0)) continue;
        if (plan.step !== 'warn' && !isTrusted) continue;
        steps -= 1;
        if (plan.step === 'delete') deletions -= 1;
      }
      if (plan.kind === 'nothing' && !this.#mustNote(session)) continue;
      await this.#carryOut(session);
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

  /** Whether its last activity is newer than its record says by so much that it is to be written down. */
  #mustNote(session: Session): boolean {
    const known = session.record.last_active_at;
    const active = lastActive(session);
    return this.#parts.rules.warn > 0 && !!known && active !== null && active - Date.parse(known) >= COARSE;
  }

  /** Does what is to be done with one, as it stands when its turn comes. */
  async #carryOut(session: Session): Promise<void> {
    const { log, manager } = this.#parts;
    const { session_id: id, workspace_id: workspace } = session.record;
    // What another owner may still write, or what is on its way, is looked at again in the next round.
    if (session.status !== 'ready' && !session.isAtRest) return;
    try {
      await manager.inItsTurn(workspace, id, false, async (turn) => {
        if (turn.session() !== session) return;
        const plan = this.#plan(session);
        if (plan.kind === 'step') await this.#take(plan, session, turn);
        else await this.#write(plan, session);
      });
    } catch (error) {
      if (!isWharfError(error)) throw error;
      // Handed over, or something is away.
      log.warn(
        { workspace, session: id, reason: messageOf(error) },
        'a session that may be unused is looked at again in an hour',
      );
    }
  }

  async #write(plan: Exclude<InactivityPlan, Step>, session: Session): Promise<void> {
    const now = this.#parts.clock.now();
    const { inactivity } = session.record;
    const active = lastActive(session);
    if (plan.kind === 'begin') await session.note({ last_active_at: iso(now), inactivity: null });
    else if (plan.kind === 'end') await session.note({ last_active_at: null, inactivity: null });
    else if (plan.kind === 'restamp' && inactivity)
      await session.note({ inactivity: { ...inactivity, at: iso(now) } });
    else if (plan.kind === 'forget')
      await session.note({ inactivity: null, ...(active === null ? {} : { last_active_at: iso(active) }) });
    else if (active !== null) await session.note({ last_active_at: iso(active) });
  }

  async #take(plan: Step, session: Session, turn: Turn): Promise<void> {
    const { clock, events, log, onStep, queues } = this.#parts;
    const { session_id, workspace_id: workspace } = session.record;
    const told = { workspace, session: session_id, step: plan.step, since: iso(plan.since) };
    // One that has something to send next month is in use.
    if (plan.step !== 'warn' && (await queues.hasMessages({ workspace, session: session_id }))) return;
    await events.append([this.#eventOf(plan, session)]);
    turn.require();
    switch (plan.step) {
      case 'warn':
        log.warn(told, 'nobody has used the session for long');
        break;
      case 'stop':
        log.warn(told, 'a session that nobody uses is stopped');
        await session.stop();
        break;
      case 'delete':
        log.warn(told, 'a session that nobody uses is deleted; it is in the trash for 7 days');
        await turn.delete();
        onStep('delete');
        return;
    }
    const since = iso(plan.since);
    await session.note({
      last_active_at: since,
      inactivity: { step: plan.step, at: iso(clock.now()), since },
    });
    onStep(plan.step);
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
      id: eventId('session.inactive', workspace_id, session_id, step, since),
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
