import type { WorkspaceId } from '../../fleet/ids.ts';
import type { Verdict } from './verdict.ts';

/** Something that happened, as a sentence of the story. */
export interface FleetEvent {
  /** ISO 8601. */
  at: string;
  kind: 'instance' | 'takeover' | 'move' | 'freeze' | 'quarantine' | 'leader' | 'redis' | 'operator';
  /** The instance or workspace it is about, where it is about one. */
  instance: string | null;
  workspace: WorkspaceId | null;
  text: string;
}

/** What an operator may have to look at. */
export const ALARM_KINDS = [
  'mass_failure',
  'no_capacity',
  'no_reserve',
  'quarantined',
  'not_claimed',
] as const;

/** Something that an operator should look at; gone when it no longer holds. */
export interface Alarm {
  kind: (typeof ALARM_KINDS)[number];
  text: string;
}

/** An instance as the failover judges it. */
export interface InstanceView {
  instance: string;
  verdict: Verdict;
  /** Why, for people. */
  reason: string;
  /** Since when, ISO 8601. */
  since: string;
  lease: 'held' | 'restarting' | 'gone';
  /** Milliseconds since its lease was renewed last, where it is held. */
  lease_age_ms: number | null;
  incarnation: string | null;
  /** Milliseconds that no router has reached it for, 0 where one does; null where none has tried. */
  silent_ms: number | null;
  /** Deaths within the last hour. */
  deaths: number;
  /** Milliseconds for which nothing is brought to it that has another place: it died lately. */
  left_alone_ms: number;
  draining: boolean;
}

/** A workspace that has no live owner and is not on its way to one. */
export interface WaitingView {
  workspace: WorkspaceId;
  instance: string;
  why: string;
}

/** How the fleet's ownership stands, as one router sees it. */
export interface FleetView {
  /** The router that leads; null where none does, or Redis is away. */
  leader: string | null;
  /** This router. */
  router: string;
  /** Set while more instances are lost than are taken over by themselves. */
  frozen: { instances: string[]; limit: number } | null;
  /** An operator said to take over all the same. */
  unfrozen: boolean;
  waiting: WaitingView[];
  quarantined: WorkspaceId[];
  draining: string[];
  alarms: Alarm[];
  instances: InstanceView[];
}
