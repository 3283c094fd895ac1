import { isWharfError, messageOf, WharfError } from '../../common/errors.ts';

/** What Redis's refusals mean, by their first word, and what to do. */
const REFUSALS: Readonly<Record<string, string>> = {
  OOM: 'it is full (maxmemory). What was accepted is still sent; nothing more is taken until there is room. Give it more memory, or shorten QUEUE_RETENTION_HOURS and EVENT_RETENTION_HOURS.',
  READONLY:
    'it is a replica. It takes writes when the failover is over; without sentinels, set QUEUE_REDIS_URL to the master.',
  LOADING: 'it is starting, and reads its file. It takes some seconds.',
  MISCONF: 'it cannot write to its disk. Look at the disk and the log of Redis.',
  NOREPLICAS: 'too few replicas are connected (min-replicas-to-write). Start them, or lower the setting.',
  NOAUTH: 'it wants a password. Put it into QUEUE_REDIS_URL.',
  WRONGPASS: 'the password in QUEUE_REDIS_URL is wrong.',
  NOPERM: 'the user in QUEUE_REDIS_URL may not do that: it needs scripts, and the keys and channels wharf:*.',
};

const NOT_OWNER = 'NOTOWNER';

/**
 * What the Redis of the queues answers, or an error for every way in which it may not.
 *
 * @throws WharfError `queue_unavailable`; `not_owner` where a later owner of the workspace was seen
 */
export async function queueAnswer<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    throw queueError(error);
  }
}

/** {@link queueAnswer} of what was thrown. */
function queueError(error: unknown): WharfError {
  if (isWharfError(error)) return error;
  const message = messageOf(error);
  const [word = ''] = message.split(' ');
  // Not the error of ioredis itself: it carries the command, and with it what is in messages.
  const cause = new Error(message);
  if (word === NOT_OWNER)
    return new WharfError(
      'not_owner',
      'Another instance came for the messages of this workspace with a later epoch: it owns it now. This one does nothing more for it.',
      { cause },
    );
  const why = REFUSALS[word] ?? `${message}. It is tried again.`;
  return new WharfError('queue_unavailable', `The Redis of the message queues cannot be used: ${why}`, {
    cause,
  });
}
