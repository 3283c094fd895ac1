import type { Webhook } from '../api/types.ts';
import { ago } from '../state/text.ts';
import type { DialogState, WebhookAction } from './dialog-state.ts';
import { StatusBadge } from './status-badge.tsx';
import { type Column, Table } from './table.tsx';

const COLUMNS: readonly Column[] = [
  { heading: 'Workspace' },
  { heading: 'State' },
  { heading: 'Pending', from: 'wide' },
  { heading: 'Dead letters', from: 'wide' },
  { heading: 'Last taken', from: 'roomy' },
  { heading: 'What to do', unseen: true },
];

interface WebhooksProps {
  webhooks: readonly Webhook[];
  onDialog: (dialog: DialogState) => void;
}

/** States from the worst on; any other comes last. */
const TROUBLE = ['disabled', 'circuit_open', 'retrying'];

/** Where events are delivered, and how that goes; the worst first. */
export function Webhooks({ webhooks, onDialog }: WebhooksProps) {
  const sorted = [...webhooks].sort(
    (one, other) => rank(one) - rank(other) || other.dead_letters - one.dead_letters,
  );
  return (
    <section class="panel" aria-labelledby="webhooks-title">
      <div class="panel-head">
        <h2 id="webhooks-title">Webhooks</h2>
      </div>
      {sorted.length === 0 && (
        <p class="loading">
          No workspace has one. <code>wharf webhooks set WORKSPACE URL</code> makes one; events are kept for
          readers of the stream all the same.
        </p>
      )}
      {sorted.length > 0 && (
        <Table columns={COLUMNS}>
          {sorted.map((webhook) => (
            <WebhookRow key={webhook.workspace_id} webhook={webhook} onDialog={onDialog} />
          ))}
        </Table>
      )}
    </section>
  );
}

/** Where it goes, without a path that may hold what only the receiver should know. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

function rank({ state }: Webhook): number {
  const place = TROUBLE.indexOf(state);
  return place === -1 ? TROUBLE.length : place;
}

function WebhookRow({ webhook, onDialog }: { webhook: Webhook; onDialog: (dialog: DialogState) => void }) {
  const { workspace_id, url, state, pending, dead_letters, last_failure } = webhook;
  const button = (action: WebhookAction, label: string) => (
    <button
      type="button"
      class="button button-small"
      aria-label={`${label}: webhook of workspace ${workspace_id}`}
      onClick={() => onDialog({ kind: 'webhook', action, webhook })}
    >
      {label}
    </button>
  );
  return (
    <tr>
      <th scope="row">
        {workspace_id}
        <span class="below" title={url}>
          {hostOf(url)}
        </span>
      </th>
      <td>
        <StatusBadge status={state} />
        {state !== 'delivering' && last_failure !== null && <span class="below">{last_failure.reason}</span>}
        {dead_letters > 0 && (
          <span class="below below-bad narrow-only">
            {dead_letters} dead letter{dead_letters === 1 ? '' : 's'}
          </span>
        )}
      </td>
      <td class="wide-only">
        {pending}
        {webhook.oldest_pending_at !== null && (
          <span class="below nowrap">oldest {ago(webhook.oldest_pending_at)}</span>
        )}
      </td>
      <td class={dead_letters > 0 ? 'wide-only below-bad' : 'wide-only'}>{dead_letters}</td>
      <td class="roomy-only nowrap">{ago(webhook.last_taken_at)}</td>
      <td class="last">
        <span class="row-actions">
          {state === 'disabled' ? button('enable', 'Enable') : button('test', 'Test')}
          {dead_letters > 0 && button('replay', 'Replay')}
        </span>
      </td>
    </tr>
  );
}
