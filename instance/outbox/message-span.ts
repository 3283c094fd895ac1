import type { SpanStart } from '../../common/tracing/tracer.ts';
import { outgoingSpan } from '../../fleet/queue/outgoing-span.ts';
import type { HeldMessage } from '../../fleet/queue/session-queues.ts';

/** What is done for a message, as a part of the trace in which it was accepted. */
export function processingSpan({ message }: HeldMessage): SpanStart {
  const span = outgoingSpan('process', {
    'messaging.message.id': message.message_id,
    'wharf.workspace_id': message.workspace_id,
    'wharf.session_id': message.session_id,
  });
  return { ...span, parent: message.traceparent ?? null };
}
