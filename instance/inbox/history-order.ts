import type { Happening, HistoryPart } from '../whatsapp/client.ts';

/**
 * What parts of several chats' histories tell, in the order of time as far as that is known: to the second, and within a chat exactly. What became of a message
 * follows it; reactions, of which a history does not say when they came among the messages, come last. Pure.
 */
export function inOrderOfTime(parts: readonly HistoryPart[]): Happening[] {
  const timed = parts.flatMap(({ happened }) => {
    let last = 0;
    return happened.map((happening) => {
      last = Math.max(last, timeOf(happening) ?? last);
      return { happening, time: happening.kind === 'reaction' ? Number.POSITIVE_INFINITY : last };
    });
  });
  // Array.prototype.sort keeps the order of equals.
  return timed
    .sort((a, b) => (a.time < b.time ? -1 : Number(a.time > b.time)))
    .map(({ happening }) => happening);
}

/** Unix seconds. */
function timeOf(happening: Happening): number | undefined {
  if (happening.kind === 'unreadable') return happening.sentAt;
  return happening.kind === 'message'
    ? Math.floor(Date.parse(happening.message.timestamp) / 1000)
    : undefined;
}
