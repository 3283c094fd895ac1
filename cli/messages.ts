import { z } from 'zod';
import { systemClock } from '../common/clock.ts';
import { messageFaultSchema, messageStateSchema } from '../fleet/queue/outgoing.ts';
import { hasEnded } from '../fleet/queue/receipt.ts';
import type { RouterClient, RouterRequest } from './client.ts';
import { CommandFailure } from './failure.ts';
import type { Progress } from './operations/progress.ts';
import { paintStatus, type Style } from './output/style.ts';
import { renderFields } from './output/table.ts';
import { ago, NOTHING, oneLine } from './output/text.ts';

/** What a command needs of a message; anything more is left aside. */
export const messageSchema = z.looseObject({
  message_id: z.string(),
  workspace_id: z.union([z.string(), z.number()]),
  session_id: z.string(),
  priority: z.string(),
  accepted_at: z.string(),
  send_at: z.string().nullable(),
  message: z.looseObject({ to: z.string() }).nullable(),
  ...messageStateSchema.shape,
});
export type Message = z.infer<typeof messageSchema>;

/** What a command needs of the answer to a message that was handed in. */
export const receiptSchema = z.looseObject({
  message_id: z.string(),
  status: messageStateSchema.shape.status,
  whatsapp_id: z.string().nullable(),
  error: messageFaultSchema.nullable(),
});
export type Receipt = z.infer<typeof receiptSchema>;

/** Milliseconds between two looks at a message that is followed. */
const INTERVAL = 250;

/** A request about one message. */
export function messageRequest(method: RouterRequest['method'], message: string): RouterRequest {
  return { method, path: `/api/whatsapp/messages/${encodeURIComponent(message)}` };
}

/**
 * Follows a message until it has ended or time is up, and tells of each state on the way.
 *
 * @throws CommandFailure, which names the message: it was accepted, and is sent whether anybody looks or not
 */
export async function followMessage(
  router: RouterClient,
  receipt: Receipt,
  seconds: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<Receipt> {
  const { message_id } = receipt;
  const end = systemClock.monotonic() + seconds * 1000;
  let now = receipt;
  try {
    while (!hasEnded(now) && systemClock.monotonic() < end) {
      progress.at(`${message_id} is ${now.status}`);
      await systemClock.sleep(INTERVAL, signal);
      const { status, whatsapp_id, error } = await router.ask(
        messageSchema,
        messageRequest('GET', message_id),
      );
      now = { message_id, status, whatsapp_id, error };
    }
    return now;
  } catch (error) {
    const code = error instanceof CommandFailure ? error.code : 'stopped';
    const why = error instanceof CommandFailure ? error.message : 'Stopped.';
    throw new CommandFailure(
      `${why} The message is accepted all the same: "wharf messages get ${message_id}" tells what became of it.`,
      { code, cause: error },
    );
  } finally {
    progress.end();
  }
}

/** What became of a message, for people. */
export function receiptText(style: Style, { message_id, status, whatsapp_id, error }: Receipt): string {
  return renderFields(style, [
    ['message', message_id],
    ['status', paintStatus(style, status)],
    ['whatsapp id', whatsapp_id ?? NOTHING],
    ...faultField(error),
  ]);
}

/** A message for people: where it goes, then what became of it, and when. */
export function messageText(style: Style, message: Message, now: Date): string {
  const times: [name: string, time: string | null][] = [
    ['accepted', message.accepted_at],
    ['for', message.send_at],
    ['sending', message.sending_at],
    ['sent', message.sent_at],
    ['delivered', message.delivered_at],
    ['read', message.read_at],
    ['ended', message.ended_at],
  ];
  return renderFields(style, [
    ['message', message.message_id],
    ['session', `${message.session_id} of workspace ${message.workspace_id}`],
    ['to', message.message === null ? NOTHING : oneLine(message.message.to, 60)],
    ['priority', message.priority],
    ['status', paintStatus(style, message.status)],
    ['whatsapp id', message.whatsapp_id ?? NOTHING],
    ...faultField(message.error),
    ...times.flatMap(([name, time]): [string, string][] =>
      time === null ? [] : [[name, timeText(time, now, hasEnded(message))]],
    ),
  ]);
}

/** A time, and how long ago it was. The one a message was to go at says nothing more once the message has ended before it. */
function timeText(time: string, now: Date, ended: boolean): string {
  if (Date.parse(time) <= now.getTime()) return `${time} (${ago(time, now)})`;
  return ended ? time : `${time} (to come)`;
}

function faultField(error: Receipt['error']): [string, string][] {
  return error === null ? [] : [['why', `${oneLine(error.detail, 300)} (${oneLine(error.code, 60)})`]];
}
