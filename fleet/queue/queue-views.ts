import type { SessionKey } from './message-ids.ts';
import type { QueueView } from './message-queues.ts';
import { queueKeys } from './queue-keys.ts';
import type { QueueCommands } from './redis-queue-commands.ts';

/** How the queues of some sessions stand. */
export async function readViews(
  commands: QueueCommands,
  sessions: readonly SessionKey[],
): Promise<QueueView[]> {
  const names = sessions.map(({ workspace, session }) => `${workspace}.${session}`);
  const views = await commands.views(queueKeys.queues, ...names);
  return sessions.map((key, index): QueueView => {
    const view = views[index];
    if (view === undefined) throw new Error('views-1 answered for fewer queues than it was asked for');
    const [
      critical,
      high,
      normal,
      low,
      delayed,
      oldest,
      sent,
      failed,
      unknown,
      lastMinute,
      lastSent,
      limited,
    ] = view;
    return {
      ...key,
      depth: critical + high + normal + low + delayed,
      by_priority: { critical, high, normal, low },
      delayed,
      oldest_at: isoTime(oldest),
      sent: Number(sent),
      failed: Number(failed),
      unknown: Number(unknown),
      sent_last_minute: lastMinute,
      last_sent_at: isoTime(lastSent),
      limited_until: isoTime(limited),
    };
  });
}

function isoTime(milliseconds: string | null): string | null {
  return milliseconds === null ? null : new Date(Number(milliseconds)).toISOString();
}
