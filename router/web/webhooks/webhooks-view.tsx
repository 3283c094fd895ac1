import { useState } from 'preact/hooks';
import type { Webhook } from '../api/types.ts';
import { EmptyState } from '../parts/empty-state.tsx';
import { Figure, Figures } from '../parts/figures.tsx';
import { Pager } from '../parts/pager.tsx';
import { Panel } from '../parts/panel.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import { type Column, Table } from '../parts/table.tsx';
import type { DialogState, ViewProps, WebhookAction } from '../shell/dialog-state.ts';
import { routeHash } from '../state/route.ts';
import { ago, count, until } from '../state/text.ts';

/** Webhooks on a page. */
const PAGE = 50;

const COLUMNS: readonly Column[] = [
  { heading: 'Workspace' },
  { heading: 'State' },
  { heading: 'Pending', from: 'wide' },
  { heading: 'Dead letters', from: 'wide' },
  { heading: 'Last taken', from: 'roomy' },
  { heading: 'What to do', unseen: true },
];

interface WebhooksProps extends Pick<ViewProps, 'onDialog'> {
  /** Undefined before the first answer; null where they cannot be read now. */
  webhooks: readonly Webhook[] | null | undefined;
}

/** States from the worst on; any other comes last. */
const TROUBLE = ['disabled', 'circuit_open', 'retrying'];

/** Where events are delivered, and how that goes; the worst first. */
export function WebhooksView({ webhooks, onDialog }: WebhooksProps) {
  const [page, setPage] = useState(0);
  const sorted = [...(webhooks ?? [])].sort(
    (one, other) => rank(one) - rank(other) || other.dead_letters - one.dead_letters,
  );
  // A page that was there may be gone.
  const first = Math.min(page, Math.max(0, Math.ceil(sorted.length / PAGE) - 1)) * PAGE;
  const shown = sorted.slice(first, first + PAGE);
  return (
    <>
      {sorted.length > 0 && <WebhookFigures webhooks={sorted} />}
      <Panel
        name="webhooks"
        title="Webhooks"
        unseenTitle
        busy={webhooks === undefined}
        summary={sorted.length > 0 ? count(sorted.length, 'receiver') : undefined}
      >
        {webhooks === undefined && <p class="loading">Loading …</p>}
        {webhooks === null && (
          <p class="loading">
            Webhooks cannot be read now: their Redis does not answer. Events that were accepted stay there.
          </p>
        )}
        {webhooks?.length === 0 && (
          <EmptyState icon="webhooks" title="No workspace has a webhook">
            <p>
              <code>wharf webhooks set WORKSPACE URL</code> makes one. Until then events are kept for readers
              of the stream.
            </p>
          </EmptyState>
        )}
        {shown.length > 0 && (
          <Table columns={COLUMNS}>
            {shown.map((webhook) => (
              <WebhookRow key={webhook.workspace_id} webhook={webhook} onDialog={onDialog} />
            ))}
          </Table>
        )}
        <Pager
          what="webhooks"
          before={first}
          shown={shown.length}
          total={sorted.length}
          onPrevious={first === 0 ? null : () => setPage(first / PAGE - 1)}
          onNext={first + PAGE < sorted.length ? () => setPage(first / PAGE + 1) : null}
        />
      </Panel>
    </>
  );
}

function WebhookFigures({ webhooks }: { webhooks: readonly Webhook[] }) {
  const failing = webhooks.filter((webhook) => rank(webhook) < TROUBLE.length).length;
  const letters = webhooks.reduce((sum, { dead_letters }) => sum + dead_letters, 0);
  return (
    <Figures label="All webhooks">
      <Figure name="Delivering" value={`${webhooks.length - failing} of ${webhooks.length}`} />
      <Figure name="In trouble" value={failing} alarming={failing > 0} />
      <Figure name="Pending" value={webhooks.reduce((sum, { pending }) => sum + pending, 0)} />
      <Figure
        name="Set aside"
        value={webhooks.reduce((sum, { set_aside }) => sum + set_aside, 0)}
        below="retried beside the order"
      />
      <Figure name="Dead letters" value={letters} alarming={letters > 0} />
    </Figures>
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
  const { workspace_id, url, state, pending, dead_letters, last_failure, next_try_at } = webhook;
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
        <span class="below">{hostOf(url)}</span>
      </th>
      <td>
        <StatusBadge status={state} />
        {state !== 'delivering' && last_failure !== null && <span class="below">{last_failure.reason}</span>}
        {state !== 'disabled' && next_try_at !== null && (
          <span class="below">next try {until(next_try_at)}</span>
        )}
        {dead_letters > 0 && <span class="below narrow-only">{lettersLink(webhook)}</span>}
      </td>
      <td class="wide-only">
        {pending}
        {webhook.oldest_pending_at !== null && (
          <span class="below nowrap">oldest {ago(webhook.oldest_pending_at)}</span>
        )}
      </td>
      <td class="wide-only">{dead_letters > 0 ? lettersLink(webhook) : 0}</td>
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

function lettersLink({ workspace_id, dead_letters }: Webhook) {
  return (
    <a href={routeHash('webhooks', [String(workspace_id)])} class="below-bad">
      {count(dead_letters, 'dead letter')}
      <span class="visually-hidden"> of workspace {workspace_id}</span>
    </a>
  );
}
