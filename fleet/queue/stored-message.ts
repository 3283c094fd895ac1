import type { z } from 'zod';
import { outgoingMessageSchema } from '../messages.ts';
import { QUEUED } from './message-state.ts';
import {
  type AcceptedMessage,
  type MessageState,
  messageStateSchema,
  type QueuedMessage,
  queuedMessageSchema,
} from './outgoing.ts';

/** The job's data: a message without its body, which goes away before the rest of it. */
const envelopeSchema = queuedMessageSchema.omit({ message: true });

/** Fields of a job's hash, in the order {@link readStoredMessage} takes them. */
export const STORED_FIELDS = ['data', 'message', 'progress'] as const;

/** A message as the arguments of `accept-4` have it: its envelope, and its body, as JSON. */
export function storedMessage(accepted: AcceptedMessage): [envelope: string, body: string] {
  const { message, ...envelope } = accepted;
  return [JSON.stringify(envelope), JSON.stringify(message)];
}

/**
 * A message as it lies in Redis, and its state. Its body is null where it is gone, or cannot be understood: another version wrote it.
 *
 * @throws Error where the rest of it cannot be understood
 */
export function readStoredMessage(
  envelope: string,
  body: string | null,
  state: string | null,
): { message: QueuedMessage; state: MessageState } {
  const message = body === null ? undefined : outgoingMessageSchema.safeParse(JSON.parse(body)).data;
  return {
    message: { ...envelopeSchema.parse(JSON.parse(envelope)), message: message ?? null },
    state: readState(state),
  };
}

/** A message's state; of one that nobody has taken up there is none. */
export function readState(text: string | null): MessageState {
  return text === null ? { ...QUEUED } : messageStateSchema.parse(JSON.parse(text));
}

/** True for one that still has its body. */
export function hasBody(message: QueuedMessage): message is AcceptedMessage {
  return message.message !== null;
}

/** JSON of a state, as the commands take it. */
export function stateText(state: MessageState): string {
  return JSON.stringify(state satisfies z.infer<typeof messageStateSchema>);
}
