import { z } from 'zod';
import type { Clock } from '../../../common/clock.ts';
import { defineRoute } from '../../../common/http/route.ts';
import type { Connections } from '../connections.ts';
import type { Directory } from '../directory.ts';
import type { Faults } from '../faults.ts';
import type { Groups } from '../groups.ts';
import { PHONE_PATTERN } from '../ids.ts';
import type { Journal } from '../journal.ts';
import type { Ledger } from '../ledger.ts';
import type { Linking } from '../linking.ts';
import type { MediaStore } from '../media.ts';
import type { Messenger } from '../messenger.ts';
import type { Post } from '../post.ts';

/** What the control API's routes work on. */
export interface ControlParts {
  clock: Clock;
  journal: Journal;
  faults: Faults;
  directory: Directory;
  ledger: Ledger;
  connections: Connections;
  linking: Linking;
  messenger: Messenger;
  groups: Groups;
  post: Post;
  media: MediaStore;
  /** When the emulator was started, milliseconds since 1970. */
  startedAt: number;
  /** Something worth saving has changed. */
  changed(): void;
  /** As `changed`, and resolves when it is saved. */
  saved(): Promise<void>;
  /** The faults have changed. */
  configured(): void;
  /** Forgets everything and cuts all connections. */
  reset(): void;
}

/** The control API has no keys: it listens on the loopback address only. */
export const controlRoute = defineRoute<null>();

export const phoneSchema = z.string().regex(PHONE_PATTERN, 'must be 7-15 digits');

/** A device of a phone: its whole id, or its number. */
export const deviceSchema = z.union([z.int().min(1), z.string().min(1).max(64)]);

/** What all routes answer. */
export const DONE = { 200: { description: 'Done' } };

/** ISO 8601, or null. */
export function isoTime(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : new Date(milliseconds).toISOString();
}

/** Whether a device is the one meant; undefined means any. */
export function isDevice(
  device: { id: string; number: number },
  wanted: string | number | undefined,
): boolean {
  return wanted === undefined || device.id === wanted || device.number === Number(wanted);
}

/** A number in a query string. */
export const queryNumber = (least: number, most: number, fallback: number) =>
  z.coerce.number().int().min(least).max(most).default(fallback);
