import { messageOf, WharfError } from '../../common/errors.ts';

/** What the Redis of queues and events answers, or `queue_unavailable` for every way in which it may not. */
export async function queueAnswer<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    throw new WharfError(
      'queue_unavailable',
      `The Redis of queues and events did not take a command (${messageOf(error)}). It is tried again.`,
      { cause: error },
    );
  }
}
