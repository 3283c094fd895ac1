import { isWharfError, WharfError } from '../../common/errors.ts';
import { whatsappKeyOf } from '../../fleet/queue/message-ids.ts';
import type { HeldMessage, SessionQueue } from '../../fleet/queue/session-queues.ts';
import type { Session } from '../session/session.ts';
import type { PreparedMessage } from '../whatsapp/client.ts';
import type { OutboxParts } from './outbox-parts.ts';
import type { Trial } from './trials.ts';
import { typingTime } from './typing.ts';

/** A try of a message. */
export interface Try {
  session: Session;
  queue: SessionQueue;
  held: HeldMessage;
  trial: Trial;
  /** False once nothing may be begun any more. */
  mayBegin: () => boolean;
  /** Aborted when the session is not here any more. */
  signal: AbortSignal;
}

/**
 * Prepares a message and gives it to its session's page. Answers WhatsApp's id; undefined where the message was cancelled, and has ended by that.
 *
 * The queue is told that it begins at the last moment, from inside the page's call (`WhatsAppClient.send`), so that what a crash leaves in doubt is a step of
 * milliseconds and not the upload of a film.
 *
 * @throws what `WhatsAppClient.send` and `MediaFetcher.prepare` throw
 */
export async function giveToPage(one: Try, parts: OutboxParts): Promise<string | undefined> {
  const { held, queue, session, signal, trial } = one;
  await linger(one, parts);
  const before = trial.uncertain;
  let cancelled = false;
  let isOver = false;
  const begin = async (): Promise<boolean> => {
    if (!one.mayBegin())
      throw new WharfError('session_not_ready', 'The session is about to be closed: nothing new is begun.');
    if (!(await queue.begin(held))) {
      cancelled = true;
      return false;
    }
    if (isOver) {
      // It was written down too late: the try was given up, and the page is told no. Another try may be under way.
      await queue.retract(held).catch(() => {});
      return false;
    }
    trial.handed = held.state.attempts;
    trial.uncertain = true;
    return true;
  };
  const leave = await parts.slots.enter(signal);
  let release = () => {};
  try {
    const { to } = held.message.message;
    trial.client = session.readyClient();
    await trial.client.requireRecipient(to);
    const prepared = await prepare(held, parts);
    release = prepared.release;
    trial.client = await session.sendingClient();
    return await trial.client.send(prepared.message, whatsappKeyOf(held.message.message_id), begin);
  } catch (error) {
    if (cancelled) return undefined;
    // Whatever else went wrong, this try did not leave.
    if (!isWharfError(error, 'send_unknown') && trial.uncertain && !before) {
      trial.uncertain = false;
      // Where this is not written down, this process knows all the same; another would ask the history and find nothing.
      await queue.retract(held).catch(() => {});
    }
    throw error;
  } finally {
    isOver = true;
    release();
    leave();
  }
}

async function prepare(
  { message }: HeldMessage,
  parts: OutboxParts,
): Promise<{ message: PreparedMessage; release: () => void }> {
  const { message: outgoing, workspace_id: workspace } = message;
  if (!('media' in outgoing)) return { message: outgoing, release: () => {} };
  const media = await parts.media.prepare(workspace, outgoing.media);
  return { message: { ...outgoing, media }, release: () => media.release() };
}

/** Waits as a person might, where that is asked for: a while before each message, and shown to type before a text. */
async function linger({ held, session, signal }: Try, { clock, config, random }: OutboxParts): Promise<void> {
  if (config.jitter > 0) await clock.sleep(Math.round(random() * config.jitter), signal);
  const { message } = held.message;
  if (!config.typing || !('text' in message)) return;
  const client = session.readyClient();
  await client.requireRecipient(message.to);
  // That it shows is worth no message.
  await client.showTyping(message.to).catch(() => {});
  await clock.sleep(typingTime(message.text), signal);
}
