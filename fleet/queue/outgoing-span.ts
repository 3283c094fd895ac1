import type { SpanAttributes, SpanStart } from '../../common/tracing/tracer.ts';

const KINDS = { send: 'producer', process: 'consumer' } as const;

/**
 * What is done with outgoing messages, as a span; named by OpenTelemetry's conventions for messaging: `send` is how they are accepted, `process` how one is sent to WhatsApp.
 *
 * @param attributes what is said of it beside
 */
export function outgoingSpan(operation: keyof typeof KINDS, attributes: SpanAttributes): SpanStart {
  return {
    name: `${operation} outgoing`,
    kind: KINDS[operation],
    attributes: {
      'messaging.system': 'wharf',
      'messaging.operation.name': operation,
      'messaging.operation.type': operation,
      'messaging.destination.name': 'outgoing',
      ...attributes,
    },
  };
}
