import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { messageOf, systemCode } from '../../common/errors.ts';
import { MAX_MEDIA_BYTES, messageReceiptSchema } from '../../fleet/messages.ts';
import type { CommandContext } from '../context.ts';
import { CommandFailure, EXIT_WRONG_USE } from '../failure.ts';
import { paintStatus } from '../output/style.ts';
import { renderFields } from '../output/table.ts';
import { NOTHING } from '../output/text.ts';
import { type SessionOptions, sessionRequest, takesSession } from '../sessions.ts';

/** Seconds to wait for the outcome where `--wait` does not say otherwise. */
const DEFAULT_WAIT = 20;

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

interface Options extends SessionOptions {
  file?: string;
  mediaUrl?: string;
  replyTo?: string;
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
    .option('--wait <seconds>', 'wait so long for the outcome, 0 to 60', seconds, DEFAULT_WAIT)
    .addHelpText(
      'after',
      '\nExamples:\n  $ wharf sessions send sales 491701234567 "Hello"\n  $ wharf sessions send sales 491701234567 "Your invoice" --file invoice.pdf',
    )
    .action(
      async (session: string, to: string, text: string | undefined, options: Options, command: Command) => {
        const body = {
          to,
          ...(await contentOf(text, options)),
          ...(options.replyTo ? { reply_to: options.replyTo } : {}),
        };
        const router = await context.router(command);
        const request = sessionRequest('POST', session, options, '/messages', { wait: options.wait });
        const receipt = await router.ask(messageReceiptSchema, {
          ...request,
          body,
          patience: (options.wait + 30) * 1000,
        });
        context.show(command, receipt, () =>
          renderFields(context.style, [
            ['message', receipt.message_id],
            ['status', paintStatus(context.style, receipt.status)],
            ['whatsapp id', receipt.whatsapp_id ?? NOTHING],
          ]),
        );
        if (receipt.status === 'failed' || receipt.status === 'unknown') {
          throw new CommandFailure(`The message is ${receipt.status}.`, {
            code: `message_${receipt.status}`,
          });
        }
      },
    );
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
  if (!/^\d{1,2}$/.test(text) || number > 60)
    throw new InvalidArgumentError('It must be a number of seconds from 0 to 60.');
  return number;
}
