import { systemClock } from '../../common/clock.ts';
import { type Operation, operationSchema, type Restore, restoreSchema } from '../../fleet/backup/api.ts';
import type { RouterClient, RouterRequest } from '../client.ts';
import type { CommandContext } from '../context.ts';
import { CommandFailure } from '../failure.ts';
import { operationLine, restoreLine } from './backup-progress.ts';
import { askPatiently } from './moves.ts';
import { Progress } from './progress.ts';

/** Milliseconds for an answer: the service reads what is in the store for it. */
export const STORE_PATIENCE = 150_000;

/** Milliseconds between two looks; and where an answer tells of many sessions. */
const INTERVAL = 500;
const INTERVAL_OF_MANY = 2000;
const MANY = 200;

/** Milliseconds between two lines of progress where nobody watches: a log needs no more. */
const LINE_INTERVAL = 10_000;

/** What following works with. */
export interface Following {
  context: CommandContext;
  router: RouterClient;
  /** Says nothing while it goes on: the output is for a script. */
  silent: boolean;
}

/**
 * Follows an operation until it has ended, whichever way.
 *
 * @throws CommandFailure `stopped` on Ctrl-C; `operation_lost` where the service was started anew meanwhile
 */
export function followOperation(following: Following, begun: Operation): Promise<Operation> {
  const path = `/api/backups/operations/${encodeURIComponent(begun.id)}`;
  return follow(following, begun, {
    ask: (router) => router.ask(operationSchema, { method: 'GET', path }),
    isGoingOn: ({ state }) => state === 'running',
    line: operationLine,
    size: () => 1,
    onStop: `The ${begun.kind} goes on: "wharf backup operations" shows it.`,
    onLost: `The backup service was started anew meanwhile, and knows nothing of ${begun.id}: it was ended, or has ended. "wharf backup list" shows what there is now.`,
  });
}

/** Follows a restore, or the undoing of one, until it has ended, whichever way. Throws CommandFailure `stopped` on Ctrl-C. */
export function followRestore(following: Following, begun: Restore): Promise<Restore> {
  const id = begun.id ?? '';
  return follow(following, begun, {
    ask: (router) => router.ask(restoreSchema, restoreRequest('GET', id)),
    isGoingOn: ({ state }) => state === 'running' || state === 'undoing',
    line: restoreLine,
    size: ({ sessions }) => sessions.length,
    onStop: `The restore goes on: "wharf restores ${id}" shows it, "wharf restore --cancel ${id}" ends it.`,
    onLost: `The backup service knows nothing of ${id} any more.`,
  });
}

/** A request about one restore. */
export function restoreRequest(method: RouterRequest['method'], id: string, below = ''): RouterRequest {
  return { method, path: `/api/restores/${encodeURIComponent(id)}${below}`, patience: STORE_PATIENCE };
}

/** How something is followed. */
interface Way<T> {
  ask: (router: RouterClient) => Promise<T>;
  isGoingOn: (now: T) => boolean;
  line: (now: T, drawn: boolean) => string;
  /** How many things an answer tells of. */
  size: (now: T) => number;
  /** What is said on Ctrl-C, and where the service does not know of it any more. */
  onStop: string;
  onLost: string;
}

async function follow<T>({ context, router, silent }: Following, begun: T, way: Way<T>): Promise<T> {
  const { signal, interactive } = context.terminal;
  const progress = new Progress(context, silent);
  let now = begun;
  let told = Number.NEGATIVE_INFINITY;
  for (;;) {
    const time = systemClock.monotonic();
    const isEnd = !way.isGoingOn(now);
    if (interactive || isEnd || time - told >= LINE_INTERVAL) {
      progress.at(way.line(now, interactive));
      told = time;
    }
    if (isEnd) break;
    try {
      await systemClock.sleep(way.size(now) > MANY ? INTERVAL_OF_MANY : INTERVAL, signal);
      now = await askPatiently(signal, () => way.ask(router));
    } catch (error) {
      progress.end();
      throw failureOf(error, signal, way);
    }
  }
  progress.end();
  return now;
}

function failureOf<T>(error: unknown, signal: AbortSignal, { onStop, onLost }: Way<T>): unknown {
  if (signal.aborted)
    return new CommandFailure(`Stopped waiting. ${onStop}`, { code: 'stopped', cause: error });
  if (error instanceof CommandFailure && /(^|_)not_found$/.test(error.code))
    return new CommandFailure(onLost, { code: 'operation_lost', cause: error });
  return error;
}
