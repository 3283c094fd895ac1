import { z } from 'zod';
import { systemClock } from '../../common/clock.ts';
import type { RouterClient } from '../client.ts';
import { type CommandContext, isJson } from '../context.ts';
import { CommandFailure } from '../failure.ts';
import { count } from '../output/text.ts';
import type { Progress } from './progress.ts';

/** A planned hand-over of a workspace. */
export const moveSchema = z.looseObject({
  id: z.string(),
  workspace_id: z.union([z.string(), z.number()]),
  from: z.string(),
  to: z.string().nullable(),
  reason: z.string(),
  /** `queued`, `closing`, `adopting`, `done` or `failed`. */
  state: z.string(),
  requested_at: z.string(),
  started_at: z.string().nullable(),
  ended_at: z.string().nullable(),
  error: z.string().nullable(),
});
export type MoveView = z.infer<typeof moveSchema>;

export const movesSchema = z.looseObject({ moves: z.array(moveSchema) });

const workspaceSchema = z.looseObject({ instance: z.string() });

/** Milliseconds between two looks. */
const INTERVAL = 500;

/** Milliseconds the router may be away, as while it is restarted, before following is given up. */
const PATIENCE = 60_000;

/** Minutes for which nothing may move before following is given up, where nobody says another number. */
export const STILL_MINUTES = 5;

/** What a router that is restarting, or whose Redis is, makes of a question. */
const PASSING: ReadonlySet<string> = new Set([
  'unreachable',
  'timeout',
  'redis_unavailable',
  'storage_unavailable',
  'shutting_down',
  'instance_unavailable',
  'backup_unavailable',
]);

/** Asks again while what is in the way is likely to pass. Throws CommandFailure. */
export async function askPatiently<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  const end = systemClock.monotonic() + PATIENCE;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const passing = error instanceof CommandFailure && PASSING.has(error.code);
      if (!passing || systemClock.monotonic() > end) throw error;
    }
    await pause(signal);
  }
}

/** Waits between two looks. Throws CommandFailure `stopped`. */
export async function pause(signal: AbortSignal): Promise<void> {
  await systemClock.sleep(INTERVAL, signal).catch((cause: unknown) => {
    throw new CommandFailure('Stopped. What was begun goes on: "wharf moves" shows it.', {
      code: 'stopped',
      cause,
    });
  });
}

/** How moves are followed. */
export interface Following {
  /** What has happened to those that are done. */
  what?: string;
  /** Milliseconds for which nothing may move. */
  still?: number;
}

/**
 * Follows moves until all have ended.
 *
 * @returns the moves as they ended; one whose record is no longer kept, by where its workspace is
 * @throws CommandFailure; `stalled`, with what they wait for, where nothing moves any more
 */
export async function followMoves(
  router: RouterClient,
  signal: AbortSignal,
  moves: readonly MoveView[],
  progress: Progress,
  { what = 'moved', still = STILL_MINUTES * 60_000 }: Following = {},
): Promise<MoveView[]> {
  const known = new Map(moves.map((move) => [move.id, move]));
  let before = '';
  let movedAt = systemClock.monotonic();
  for (;;) {
    progress.at(progressText([...known.values()], what));
    if ([...known.values()].every(hasEnded)) break;
    await pause(signal);
    const listed = await askPatiently(signal, () =>
      router.ask(movesSchema, { method: 'GET', path: '/api/fleet/moves', query: { limit: 10_000 } }),
    );
    const now = new Map(listed.moves.map((move) => [move.id, move]));
    for (const [id, move] of known) {
      if (!hasEnded(move)) known.set(id, now.get(id) ?? (await endOf(router, signal, move)));
    }
    // Those without a reason of their own wait for others to end.
    const open = [...known.values()].filter((move) => !hasEnded(move));
    const watched = open.some(({ error }) => error === null) ? listed.moves : open;
    const seen = watched.map(({ id, state }) => `${id} ${state}`).join();
    if (seen !== before) movedAt = systemClock.monotonic();
    before = seen;
    if (open.length > 0 && systemClock.monotonic() - movedAt > still) {
      progress.end();
      throw stalledFailure(open, still);
    }
  }
  progress.end();
  return [...known.values()];
}

/** Only the last hundred that ended are kept: of an older one, its workspace's place tells. */
async function endOf(router: RouterClient, signal: AbortSignal, move: MoveView): Promise<MoveView> {
  const path = `/api/fleet/workspaces/${encodeURIComponent(String(move.workspace_id))}`;
  const { instance } = await askPatiently(signal, () => router.ask(workspaceSchema, { method: 'GET', path }));
  if (instance !== move.from) return { ...move, to: instance, state: 'done' };
  return {
    ...move,
    state: 'failed',
    error: `it is still on ${move.from}, and the record of its move is gone`,
  };
}

function hasEnded({ state }: MoveView): boolean {
  return state === 'done' || state === 'failed';
}

export function hasFailed({ state }: MoveView): boolean {
  return state === 'failed';
}

/** `12/25 moved, 1 failed, 4 under way`. */
function progressText(moves: readonly MoveView[], what: string): string {
  const done = moves.filter(({ state }) => state === 'done').length;
  const failed = moves.filter(hasFailed).length;
  const running = moves.filter(({ state }) => state === 'closing' || state === 'adopting').length;
  const parts = [`${done}/${moves.length} ${what}`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (running > 0) parts.push(`${running} under way`);
  const waiting = moves.filter(({ state, error }) => state === 'queued' && error !== null);
  if (waiting[0]) parts.push(`${waiting.length} waiting: ${waiting[0].error}`);
  return parts.join(', ');
}

function stalledFailure(open: readonly MoveView[], still: number): CommandFailure {
  const minutes = Math.round(still / 6000) / 10;
  const whys = new Set(open.map(({ error }) => error ?? 'it does not say why: does a router lead?'));
  return new CommandFailure(
    [
      `Nothing has moved for ${minutes} min. ${count(open.length, 'move')} left:`,
      ...[...whys].map((why) => `  ${why}`),
      'They stay queued, and go on when that has changed: "wharf status" and "wharf moves" say how it stands. A drain is taken back with "wharf undrain".',
    ].join('\n'),
    { code: 'stalled' },
  );
}

/** The failure of moves, each with its reason; the first few. Undefined where none failed. */
export function movesFailure(moves: readonly MoveView[], next: string): CommandFailure | undefined {
  const failed = moves.filter(hasFailed);
  if (failed.length === 0) return undefined;
  const lines = failed
    .slice(0, 10)
    .map((move) => `  workspace ${move.workspace_id}: ${move.error ?? 'it does not say why'}`);
  if (failed.length > lines.length) lines.push(`  and ${failed.length - lines.length} more`);
  const head = `${count(failed.length, 'move')} of ${moves.length} failed:`;
  return new CommandFailure([head, ...lines, next].join('\n'), { code: 'move_failed' });
}

/** What a command says when it does not wait. */
export function begunText(moves: readonly MoveView[]): string {
  if (moves.length === 0) return 'There is nothing to move.\n';
  return `${count(moves.length, 'move')} begun. Follow with: wharf moves\n`;
}

/** Shows moves that have ended, or says why some failed. Throws CommandFailure. */
export function showMoves(
  context: CommandContext,
  command: Parameters<CommandContext['show']>[0],
  moves: readonly MoveView[],
  text: string,
): void {
  const failure = movesFailure(moves, 'Each is where it was. Mend the reason and run the command again.');
  if (failure === undefined || isJson(command)) context.show(command, { moves }, () => text);
  if (failure) throw failure;
}
