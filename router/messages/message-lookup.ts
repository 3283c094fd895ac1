import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import type { WharfEvent } from '../../fleet/events/event.ts';
import type { EventLog } from '../../fleet/events/event-log.ts';
import { statusEvent } from '../../fleet/events/status-event.ts';
import type { MessageId } from '../../fleet/queue/message-ids.ts';
import type { MessageQueues } from '../../fleet/queue/message-queues.ts';
import type { MessageView } from '../../fleet/queue/outgoing.ts';
import type { Principal } from '../principal.ts';

/** What looking messages up needs. */
interface LookupParts {
  queues: Pick<MessageQueues, 'find' | 'cancel'>;
  events: Pick<EventLog, 'append'>;
  clock: Clock;
}

/**
 * A message a caller may see.
 *
 * @throws WharfError `message_not_found`, also for another workspace's; `queue_unavailable`
 */
export async function findMessage(
  { queues }: Pick<LookupParts, 'queues'>,
  principal: Principal,
  message: MessageId,
): Promise<MessageView> {
  const view = await queues.find(message);
  const isTheirs =
    principal.kind === 'admin' ||
    (principal.kind === 'workspace' && principal.workspace === view?.workspace_id);
  if (view && isTheirs) return view;
  throw new WharfError(
    'message_not_found',
    `There is no message ${message}. Messages are forgotten some time after their end (QUEUE_RETENTION_HOURS).`,
  );
}

/**
 * Cancels a message that has not begun to be sent. Cancelling it again is no error.
 *
 * @returns the message as it is then, its event written
 * @throws WharfError `not_cancellable`, `message_not_found`, `queue_unavailable`
 */
export async function cancelMessage(
  parts: LookupParts,
  principal: Principal,
  message: MessageId,
): Promise<MessageView> {
  // Where bodies are not kept, whom it is to is known only before.
  const before = await findMessage(parts, principal, message);
  const cancellation = await parts.queues.cancel(message);
  const view = await findMessage(parts, principal, message);
  // Also where it was cancelled before: whoever did may not have lived to tell, and the log takes an event once.
  if (view.status === 'failed' && view.error?.code === 'cancelled') {
    await parts.events.append([endEvent(view, before.message?.to ?? null, parts.clock)]);
    return view;
  }
  throw new WharfError(
    'not_cancellable',
    cancellation === 'under_way'
      ? `Message ${message} is being sent, and may have left already.`
      : `Message ${message} has ended as ${view.status}.`,
    { extra: { message_status: view.status } },
  );
}

function endEvent(view: MessageView, chat: string | null, clock: Clock): WharfEvent<'message.status'> {
  const { workspace_id: workspace, session_id: session, message_id: message, status, error } = view;
  const at = view.ended_at === null ? clock.now() : Date.parse(view.ended_at);
  return statusEvent(
    { workspace, session },
    { message, whatsappId: view.whatsapp_id, chat, status, error, at },
  );
}
