import type { Command } from 'commander';
import { z } from 'zod';
import { type SessionDetail, sessionDetailSchema, sessionSummarySchema } from '../fleet/records.ts';
import type { RouterRequest } from './client.ts';
import { paintStatus, type Style } from './output/style.ts';
import { renderFields } from './output/table.ts';
import { ago, NOTHING, oneLine } from './output/text.ts';

const detailFields = sessionDetailSchema.pick({
  phone_number: true,
  last_activity: true,
  last_error: true,
  memory_mb: true,
  keep: true,
  inactive: true,
});

/** A page of sessions; what only a single session is sure to tell may be there or not. */
export const sessionPageSchema = z.object({
  sessions: z.array(sessionSummarySchema.extend(detailFields.partial().shape)),
  next_cursor: z.string().nullish(),
});
export type ListedSession = z.infer<typeof sessionPageSchema>['sessions'][number];

/** What names a session beside its id. */
export interface SessionOptions {
  workspace?: string;
}

/** Gives a command the argument and the option that name a session. */
export function takesSession(command: Command): Command {
  return command
    .argument('<session>', 'id of the session')
    .option(
      '-w, --workspace <id>',
      'workspace of the session; needed only where two workspaces have a session of this id',
    );
}

/** A request about one session. */
export function sessionRequest(
  method: RouterRequest['method'],
  session: string,
  options: SessionOptions,
  below = '',
  query: RouterRequest['query'] = {},
): RouterRequest {
  return {
    method,
    path: `/api/whatsapp/sessions/${encodeURIComponent(session)}${below}`,
    query: { workspace_id: options.workspace, ...query },
  };
}

/** What was done with a session that nobody uses. */
const STEPS = { warn: 'warned of', stop: 'stopped for that' } as const;

/** A session for people: what it is, then what it does. */
export function sessionText(style: Style, session: SessionDetail | ListedSession, now: Date): string {
  return renderFields(style, [
    ['session', session.session_id],
    ['workspace', String(session.workspace_id)],
    ['status', paintStatus(style, session.status)],
    ['phone number', session.phone_number ?? NOTHING],
    ['instance', `${session.instance} (epoch ${session.epoch})`],
    ['last activity', ago(session.last_activity, now)],
    ...(typeof session.memory_mb === 'number' ? [['memory', memoryText(session)] as [string, string]] : []),
    ...(session.keep ? [['kept', 'however long nobody uses it'] as [string, string]] : []),
    ...(session.inactive
      ? [
          ['unused', `last used ${ago(session.inactive.since, now)}, ${STEPS[session.inactive.step]}`] as [
            string,
            string,
          ],
        ]
      : []),
    ...(session.last_error ? [['last error', oneLine(session.last_error, 200)] as [string, string]] : []),
  ]);
}

/** What a session's browser takes. */
export function memoryText({ memory_mb }: Pick<ListedSession, 'memory_mb'>): string {
  return typeof memory_mb === 'number' ? `${memory_mb} MB` : NOTHING;
}
