import { z } from 'zod';
import { WharfError } from '../../common/errors.ts';
import type { Letter, ReceiverState } from '../../fleet/events/deliveries.ts';
import { showWorkspaceId, type WorkspaceId, workspaceIdSchema } from '../../fleet/ids.ts';
import { shownWorkspaceIdSchema } from '../../fleet/records.ts';
import type { Principal } from '../principal.ts';
import { isSecret } from '../webhooks/signature.ts';
import type { WebhookView } from '../webhooks/webhooks.ts';

/** What the paths of webhooks begin with. */
export const WEBHOOK_PATH = '/api/whatsapp/workspaces/:workspace_id/webhook';
export const WEBHOOK_TAG = 'Webhooks';

export const webhookParams = z.strictObject({ workspace_id: workspaceIdSchema });

export const secretSchema = z
  .string()
  .refine(isSecret, 'must be whsec_ and the base64 of 24 to 64 bytes')
  .describe('`whsec_` and base64, as Standard Webhooks has it');

const time = z.iso.datetime().nullable();

const receiverShape = {
  state: z
    .enum(['delivering', 'retrying', 'circuit_open', 'disabled'])
    .describe(
      'delivering: all is well. retrying: the last try failed. circuit_open: it takes nothing, and is probed with one event at a time. disabled: nothing is sent',
    ),
  pending: z.number().int().describe('Events read and not taken; at most 500 are read ahead'),
  oldest_pending_at: time,
  set_aside: z.number().int().describe('Events that are retried by themselves, beside the order'),
  dead_letters: z.number().int(),
  failures_in_row: z.number().int(),
  failing_since: time,
  next_try_at: time,
  last_taken_at: time,
  last_failure: z
    .object({ at: z.iso.datetime(), status: z.number().nullable(), reason: z.string() })
    .nullable(),
};
const receiverSchema = z.object(receiverShape).meta({ id: 'WebhookReceiver' });

/** How a webhook does, for a list of all. */
export const webhookSummarySchema = z
  .object({ workspace_id: shownWorkspaceIdSchema, url: z.string(), ...receiverShape })
  .meta({ id: 'WebhookSummary' });

/** A webhook, as HTTP shows it: without its secrets. */
export const webhookSchema = z
  .object({
    workspace_id: shownWorkspaceIdSchema,
    url: z.string(),
    events: z.array(z.string()),
    secrets: z
      .array(z.object({ ends_with: z.string(), expires_at: time }))
      .describe('Those that sign, newest first: their last four characters'),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    disabled_at: time,
    disabled_reason: z.string().nullable(),
    receiver: receiverSchema,
  })
  .meta({ id: 'Webhook' });

/** {@link webhookSchema} where a secret was made. */
export const webhookWithSecretSchema = webhookSchema
  .extend({ secret: z.string().optional().describe('Only where it was made now: it is not shown again') })
  .meta({ id: 'WebhookWithSecret' });

const triesShape = {
  tries: z.number().int(),
  first_tried_at: time,
  last_tried_at: time,
  status: z.number().int().nullable().describe('The HTTP status of the last answer'),
  reason: z.string().describe('Why it was given up, and what the last try met'),
};

export const deadLetterSchema = z
  .object({
    event_id: z.string(),
    type: z.string(),
    timestamp: z.iso.datetime(),
    session_id: z.string().nullable(),
    given_up_at: z.iso.datetime(),
    ...triesShape,
  })
  .meta({ id: 'DeadLetter' });

/**
 * The workspace, where the caller may see it.
 *
 * @throws WharfError `not_found`, whether there is that workspace or not: whose there are is nobody else's business
 */
export function visibleWorkspace(
  { workspace_id }: z.infer<typeof webhookParams>,
  principal: Principal,
): WorkspaceId {
  if (principal.kind === 'workspace' && principal.workspace !== workspace_id)
    throw new WharfError('not_found', `There is no workspace ${workspace_id}.`);
  return workspace_id;
}

/** See {@link webhookSchema}. */
export function shownWebhook(view: WebhookView, now: number): z.infer<typeof webhookSchema> {
  const { record } = view;
  const good = record.secrets.filter(({ expires_at }) => expires_at === null || Date.parse(expires_at) > now);
  return {
    workspace_id: showWorkspaceId(record.workspace_id),
    url: record.url,
    events: record.events,
    secrets: good.map(({ secret, expires_at }) => ({ ends_with: secret.slice(-4), expires_at })),
    created_at: record.created_at,
    updated_at: record.updated_at,
    disabled_at: record.disabled?.at ?? null,
    disabled_reason: record.disabled?.reason ?? null,
    receiver: receiverOf(view),
  };
}

/** See {@link webhookWithSecretSchema}; `secret` is null where none was made. */
export function shownWithSecret(
  { view, secret }: { view: WebhookView; secret: string | null },
  now: number,
): z.infer<typeof webhookWithSecretSchema> {
  return { ...shownWebhook(view, now), ...(secret === null ? {} : { secret }) };
}

/** See {@link webhookSummarySchema}. */
export function shownReceiver(view: WebhookView): z.infer<typeof webhookSummarySchema> {
  const { workspace_id, url } = view.record;
  return { workspace_id: showWorkspaceId(workspace_id), url, ...receiverOf(view) };
}

function receiverOf({ record, state, aside, dead }: WebhookView): z.infer<typeof receiverSchema> {
  return {
    state: stateOf(record.disabled !== null, state),
    pending: state?.pending ?? 0,
    oldest_pending_at: iso(state?.oldestAt),
    set_aside: aside,
    dead_letters: dead,
    failures_in_row: state?.failuresInRow ?? 0,
    failing_since: iso(state?.failingSince),
    next_try_at: iso(state?.nextTryAt),
    last_taken_at: iso(state?.lastTakenAt),
    last_failure: state?.lastFault
      ? { ...state.lastFault, at: new Date(state.lastFault.at).toISOString() }
      : null,
  };
}

/** See {@link deadLetterSchema}. */
export function shownLetter({ event, tries, movedAt, why }: Letter): z.infer<typeof deadLetterSchema> {
  return {
    event_id: event.id,
    type: event.type,
    timestamp: event.timestamp,
    session_id: event.session_id,
    given_up_at: new Date(movedAt).toISOString(),
    tries: tries?.count ?? 0,
    first_tried_at: iso(tries?.firstAt),
    last_tried_at: iso(tries?.lastAt),
    status: tries?.status ?? null,
    reason: tries === null ? why : `${why}; at last: ${tries.reason}`,
  };
}

function stateOf(disabled: boolean, state: ReceiverState | null) {
  if (disabled) return 'disabled';
  if (state?.circuit === 'open') return 'circuit_open';
  return (state?.failuresInRow ?? 0) > 0 ? 'retrying' : 'delivering';
}

function iso(time: number | null | undefined): string | null {
  return time === null || time === undefined ? null : new Date(time).toISOString();
}
