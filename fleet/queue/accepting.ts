import { WharfError } from '../../common/errors.ts';
import { Batches } from './batches.ts';
import { sessionTag } from './message-ids.ts';
import type { Acceptance } from './message-queues.ts';
import { type AcceptedMessage, PRIORITIES } from './outgoing.ts';
import { queueKeys } from './queue-keys.ts';
import type { QueueCommands } from './redis-queue-commands.ts';
import type { Replication } from './replication.ts';
import { storedMessage } from './stored-message.ts';

/** Messages that go to Redis in one step: for 5 to 10 ms it does nothing else. */
const BATCH = 250;

/** Writes messages down in batches. */
export function accepting(
  accept: QueueCommands['accept'],
  replication: Replication,
  maxDepth: number,
): Batches<AcceptedMessage, Acceptance> {
  const keys = [queueKeys.queues, queueKeys.sessions, queueKeys.pending, queueKeys.rings] as const;
  const write = async (messages: AcceptedMessage[]) => {
    const values = messages.flatMap(acceptArguments);
    const answers = await replication.confirmed(() => accept(...keys, maxDepth, ...values), messages.length);
    return answers.map((answer): Acceptance => {
      if (typeof answer === 'string') return { kind: answer };
      const [depth, sentLastMinute] = answer;
      return { kind: 'full', depth, retryAfter: retryAfter(sentLastMinute) };
    });
  };
  const failed = (error: unknown): Acceptance | undefined =>
    error instanceof WharfError ? { kind: 'unavailable', error } : undefined;
  return new Batches(write, BATCH, failed);
}

function acceptArguments(accepted: AcceptedMessage): (string | number)[] {
  const { workspace_id: workspace, session_id: session, send_at: sendAt } = accepted;
  return [
    workspace,
    session,
    sessionTag({ workspace, session }),
    accepted.message_id,
    PRIORITIES.indexOf(accepted.priority) + 1,
    sendAt === null ? '' : Date.parse(sendAt),
    ...storedMessage(accepted),
    accepted.waiter ?? '',
  ];
}

/** Seconds until a full queue has room for another message, at the rate it is sent; a minute where nothing is. */
function retryAfter(sentLastMinute: number): number {
  return Math.max(1, Math.ceil(60 / Math.max(1, sentLastMinute)));
}
