import type { Command } from 'commander';
import { z } from 'zod';
import { shownWorkspaceIdSchema } from '../fleet/records.ts';
import type { CommandContext } from './context.ts';
import { paintStatus } from './output/style.ts';
import { renderFields } from './output/table.ts';
import { ago, NOTHING, oneLine } from './output/text.ts';

/** How a receiver does, as the router shows it. */
export const receiverSchema = z.looseObject({
  state: z.string(),
  pending: z.number(),
  oldest_pending_at: z.string().nullable(),
  set_aside: z.number(),
  dead_letters: z.number(),
  next_try_at: z.string().nullable(),
  last_taken_at: z.string().nullable(),
  last_failure: z.looseObject({ at: z.string(), reason: z.string() }).nullable(),
});

/** A webhook, as the router shows it. */
export const webhookSchema = z.looseObject({
  workspace_id: shownWorkspaceIdSchema,
  url: z.string(),
  events: z.array(z.string()),
  secrets: z.array(z.looseObject({ ends_with: z.string(), expires_at: z.string().nullable() })),
  disabled_at: z.string().nullable(),
  disabled_reason: z.string().nullable(),
  receiver: receiverSchema,
  secret: z.string().optional(),
});
export type WebhookView = z.infer<typeof webhookSchema>;

/** The path of a workspace's webhook. @param more what follows it, with its slash */
export function webhookPath(workspace: string, more = ''): string {
  return `/api/whatsapp/workspaces/${encodeURIComponent(workspace)}/webhook${more}`;
}

/** Gives a command the argument that names the workspace. */
export function takesWorkspace(command: Command): Command {
  return command.argument('<workspace>', 'id of the workspace');
}

/** A webhook for people; its secret where it was made just now. */
export function webhookText({ style, terminal }: CommandContext, webhook: WebhookView): string {
  const { receiver } = webhook;
  const now = terminal.now();
  const disabled =
    webhook.disabled_reason === null
      ? ''
      : `: ${oneLine(webhook.disabled_reason, 80)}; "wharf webhooks enable ${webhook.workspace_id}" goes on`;
  const secrets = webhook.secrets.map(({ ends_with, expires_at }) =>
    expires_at === null ? `...${ends_with}` : `...${ends_with} until ${expires_at}`,
  );
  const failure = receiver.last_failure;
  const fields: [string, string][] = [
    ['workspace', String(webhook.workspace_id)],
    ['url', oneLine(webhook.url, 300)],
    ['events', webhook.events.join(', ')],
    ['secrets', secrets.join(', ')],
    ['state', paintStatus(style, receiver.state) + disabled],
    ['pending', `${receiver.pending}, the oldest ${ago(receiver.oldest_pending_at, now)}`],
    ['set aside', String(receiver.set_aside)],
    ['dead letters', String(receiver.dead_letters)],
    ['last taken', ago(receiver.last_taken_at, now)],
    ...(receiver.next_try_at === null ? [] : [['next try', receiver.next_try_at] as [string, string]]),
    ['last failure', failure ? `${ago(failure.at, now)}: ${oneLine(failure.reason, 120)}` : NOTHING],
  ];
  const secret =
    webhook.secret === undefined
      ? ''
      : `${webhook.secret}\n${style.dim('This secret signs the webhooks. It is not shown again.')}\n`;
  return renderFields(style, fields) + secret;
}
