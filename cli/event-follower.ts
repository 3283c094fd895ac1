import { type SseMessage, SseParser } from '../fleet/events/sse-parser.ts';
import type { RouterClient } from './client.ts';
import { CommandFailure } from './failure.ts';
import { pause } from './pause.ts';

/** Twice the router's signs of life, and a bit. */
const SILENCE = 40_000;

/** Between two tries, milliseconds: doubled with each that fails. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;

/** What is refused in one of these ways is not answered otherwise a moment later. */
const PASSING: ReadonlySet<string> = new Set([
  'unreachable',
  'timeout',
  'queue_unavailable',
  'shutting_down',
  'redis_unavailable',
]);

/** Where and how events are followed. */
export interface FollowOptions {
  query: Record<string, string | undefined>;
  /** Goes on after this event; empty: from now on. */
  after: string;
  /** Told why the connection was lost, once until it is there again. */
  lost: (reason: string) => void;
  signal: AbortSignal;
}

/**
 * Follows a router's events through its restarts: comes again where it was, so that nothing is missing and nothing comes twice. Ends when it is told to stop.
 *
 * @throws CommandFailure where the router refuses
 */
export async function* followEvents(
  router: RouterClient,
  { query, after, lost, signal }: FollowOptions,
): AsyncGenerator<SseMessage> {
  let position = after;
  let rest = FIRST_PAUSE;
  let away = false;
  const tell = (reason: string) => {
    if (!away) lost(reason);
    away = true;
  };
  while (!signal.aborted) {
    const parser = new SseParser(position);
    try {
      const request = { method: 'GET', path: '/api/whatsapp/events', query, lastEventId: position } as const;
      for await (const text of router.follow(request, SILENCE)) {
        const messages = parser.push(text);
        for (const message of messages) {
          yield message;
          position = message.id;
        }
        position = parser.lastEventId;
        rest = FIRST_PAUSE;
        away = false;
      }
      if (!signal.aborted) tell('the router ended the stream');
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof CommandFailure) || !PASSING.has(error.code)) throw error;
      // Where to look is what a command that begins should say; this one had found it.
      tell(error.code === 'unreachable' ? 'the connection broke' : error.message);
    }
    await pause(rest, signal);
    rest = Math.min(rest * 2, LONGEST_PAUSE);
  }
}
