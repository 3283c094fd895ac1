import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { messageOf, systemCode } from '../../common/errors.ts';
import { MAX_MEDIA_BYTES } from '../../fleet/messages.ts';
import { PRIORITIES } from '../../fleet/queue/outgoing.ts';
import { hasEnded } from '../../fleet/queue/receipt.ts';
import type { RouterClient } from '../client.ts';
import { type CommandContext, isJson } from '../context.ts';
import { CommandFailure, EXIT_WRONG_USE } from '../failure.ts';
import { followMessage, type Receipt, receiptSchema, receiptText } from '../messages.ts';
import { Progress } from '../operations/progress.ts';
import type { Style } from '../output/style.ts';
import { oneLine } from '../output/text.ts';
import { type SessionOptions, sessionRequest, takesSession } from '../sessions.ts';

/** Seconds to wait for the outcome where `--wait` does not say otherwise. */
const DEFAULT_WAIT = 20;

const HELP_AFTER = `
Examples:
  $ wharf sessions send sales 491701234567 "Hello"
  $ wharf sessions send sales 491701234567 "Your invoice" --file invoice.pdf
  $ wharf sessions send sales 491701234567 "Merry Christmas" --at 2026-12-24T18:00:00Z --priority low`;

/** Media types by the endings people send; anything else goes as a document. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.png': 'image/png',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.mp4': 'video/mp4',
  '.mp3': 'audio/mpeg',
  '.ogg': 'audio/ogg',
  '.pdf': 'application/pdf',
  '.txt': 'text/plain',
  '.csv': 'text/csv',
};

/** What is needed of `GET /api/fleet/queues`. */
const heldSchema = z.looseObject({
  queues: z.array(z.looseObject({ state: z.string(), reason: z.string() })),
});

interface Options extends SessionOptions {
  file?: string;
  mediaUrl?: string;
  replyTo?: string;
  priority?: string;
  at?: string;
  idempotencyKey?: string;
  wait: number;
}

/** `wharf sessions send`: sends a text, a file or what is at an address, and tells what became of it. */
export function addSessionsSendCommand(parent: Command, context: CommandContext): void {
  takesSession(parent.command('send'))
    .description('send a message')
    .argument('<to>', 'digits of a phone number, or a WhatsApp id such as 1203630@g.us')
    .argument('[text]', 'the text; under --file or --media-url the caption')
    .option('-f, --file <path>', 'send this file')
    .option('--media-url <url>', 'send what is at this address')
    .option('--reply-to <id>', 'whatsapp_id of the message this answers')
    .addOption(
      new Option('-p, --priority <priority>', 'what is more urgent goes first').choices([...PRIORITIES]),
    )
    .option('--at <time>', 'not before this time, such as 2026-12-24T18:00:00Z')
    .option(
      '--idempotency-key <key>',
      'makes repeating this command safe: the same key and message are sent once',
    )
    .option('--wait <seconds>', 'follow it for so long, 0 to 3600', seconds, DEFAULT_WAIT)
    .addHelpText('after', HELP_AFTER)
    .action(
      async (session: string, to: string, text: string | undefined, options: Options, command: Command) => {
        const body = {
          to,
          ...(await contentOf(text, options)),
          ...(options.replyTo ? { reply_to: options.replyTo } : {}),
          ...(options.priority ? { priority: options.priority } : {}),
          ...(options.at ? { send_at: options.at } : {}),
        };
        const router = await context.router(command);
        const accepted = await router.ask(receiptSchema, {
          ...sessionRequest('POST', session, options, '/messages'),
          ...(options.idempotencyKey ? { headers: { 'idempotency-key': options.idempotencyKey } } : {}),
          body,
        });
        const progress = new Progress(context, isJson(command));
        // One for later is not followed until then, unless that was asked for.
        const wait = options.at && command.getOptionValueSource('wait') === 'default' ? 0 : options.wait;
        const receipt = await followMessage(router, accepted, wait, progress, context.terminal.signal);
        const held = receipt.status === 'queued' ? await heldBy(router, session, options) : '';
        context.show(command, receipt, () => outcomeText(context.style, receipt, held));
        if (receipt.status === 'failed' || receipt.status === 'unknown') {
          throw new CommandFailure(`The message is ${receipt.status}.`, {
            code: `message_${receipt.status}`,
          });
        }
      },
    );
}

function outcomeText(style: Style, receipt: Receipt, held: string): string {
  if (hasEnded(receipt)) return receiptText(style, receipt);
  return `${receiptText(style, receipt)}${held}It is accepted, and will be sent: wharf messages get ${receipt.message_id}\n`;
}

/** What the session's queue waits for, for people. Empty where it waits for nothing, and where the router did not tell: the message is accepted, whatever becomes of this. */
async function heldBy(router: RouterClient, session: string, { workspace }: Options): Promise<string> {
  const request = { path: '/api/fleet/queues', query: { workspace_id: workspace, session_id: session } };
  const answer = await router.ask(heldSchema, { method: 'GET', ...request }).catch(() => undefined);
  const queue = answer?.queues.find(({ reason }) => reason !== '');
  return queue === undefined ? '' : `Its queue is ${queue.state}: ${oneLine(queue.reason, 100)}.\n`;
}

async function contentOf(text: string | undefined, options: Options): Promise<Record<string, unknown>> {
  const caption = text === undefined ? {} : { caption: text };
  if (options.file && options.mediaUrl) throw wrongUse('Give --file or --media-url, not both.');
  if (options.mediaUrl) return { media: { url: options.mediaUrl }, ...caption };
  if (options.file) return { media: await fileMedia(options.file), ...caption };
  if (text === undefined) throw wrongUse('There is nothing to send: give a text, --file or --media-url.');
  return { text };
}

async function fileMedia(path: string): Promise<Record<string, string>> {
  const data = await readFile(path).catch((error: unknown) => {
    const reason = systemCode(error) === 'ENOENT' ? 'there is no such file' : messageOf(error);
    throw new CommandFailure(`Could not read ${path}: ${reason}.`, { code: 'file_unreadable', cause: error });
  });
  if (data.length > MAX_MEDIA_BYTES)
    throw wrongUse(`${path} is larger than the ${MAX_MEDIA_BYTES / 1024 ** 2} MB WhatsApp takes.`);
  const mimetype = MEDIA_TYPES[extname(path).toLowerCase()] ?? 'application/octet-stream';
  return { data: data.toString('base64'), mimetype, filename: basename(path) };
}

function wrongUse(message: string): CommandFailure {
  return new CommandFailure(message, { code: 'wrong_use', exitCode: EXIT_WRONG_USE });
}

function seconds(text: string): number {
  const number = Number(text);
  if (!/^\d{1,4}$/.test(text) || number > 3600)
    throw new InvalidArgumentError('It must be a number of seconds from 0 to 3600.');
  return number;
}
