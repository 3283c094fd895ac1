import type { SpanStart } from '../../common/tracing/tracer.ts';
import type { HeldMessage } from '../../fleet/queue/session-queues.ts';

/** What is done for a message, as a part of the trace in which it was accepted; named by OpenTelemetry's conventions for messaging. */
export function processingSpan({ message }: HeldMessage): SpanStart {
  return {
    name: 'process outgoing',
    kind: 'consumer',
    parent: message.traceparent ?? null,
    attributes: {
      'messaging.system': 'wharf',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'outgoing',
      'messaging.message.id': message.message_id,
      'wharf.workspace_id': message.workspace_id,
      'wharf.session_id': message.session_id,
    },
  };
}
