import { z } from 'zod';
import type { Redis } from '../../common/redis.ts';
import { messageStatusSchema } from '../messages.ts';
import { RedisCommand } from '../redis-command.ts';
import { bullmqLua } from './bullmq-scripts.ts';
import { queueAnswer } from './queue-answers.ts';

const FOLDER = new URL('./commands/', import.meta.url);

const text = z.string();
const maybeText = text.nullable();

const nextReply = z.union([
  z.tuple([z.literal('message'), text, maybeText, maybeText, maybeText, z.number()]),
  z.tuple([
    z.literal('wait'),
    z.number(),
    z.enum(['session_limit', 'workspace_limit', 'global_limit', 'later']),
  ]),
  z.tuple([z.literal('empty')]),
]);

const viewReply = z.tuple([
  z.number(),
  z.number(),
  z.number(),
  z.number(),
  z.number(),
  maybeText,
  text,
  text,
  text,
  z.number(),
  maybeText,
  maybeText,
]);

const endings = z.array(z.tuple([text, text, messageStatusSchema]));
const endSomeReply = z.tuple([z.number(), endings, endings]);

/** The commands of `commands/`, with what they answer; keys and arguments stand in their files. They throw as {@link queueAnswer} does. */
export type QueueCommands = ReturnType<typeof queueCommands>;

/** Reads the commands, to be run over a connection. */
export function queueCommands(redis: Redis) {
  const bullmq = bullmqLua();
  const command = <Reply>(name: string, reply: z.ZodType<Reply>) => {
    const loaded = new RedisCommand(name, FOLDER, bullmq);
    return (...values: (string | number)[]): Promise<Reply> =>
      queueAnswer(loaded.run(redis, ...values).then((answer) => reply.parse(answer)));
  };
  return {
    accept: command(
      'accept-4',
      z.array(z.union([z.enum(['queued', 'known']), z.tuple([z.number(), z.number()])])),
    ),
    requireOwner: command('require-owner-1', z.number()),
    next: command('next-6', nextReply),
    begin: command('begin-2', maybeText),
    retract: command('retract-2', z.number()),
    giveBack: command('give-back-2', z.number()),
    finish: command('finish-3', maybeText),
    note: command('note-2', maybeText),
    cancel: command('cancel-2', z.enum(['cancelled', 'under_way', 'ended', 'not_found'])),
    endSome: command('end-some-4', endSomeReply),
    views: command('views-1', z.array(viewReply)),
    due: command('due-1', z.array(text)),
    clean: command('clean-2', z.tuple([z.number(), z.number()])),
  };
}
