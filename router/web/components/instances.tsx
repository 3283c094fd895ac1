import type { Instance } from '../api/types.ts';
import { ago, memory, NOTHING } from '../state/text.ts';
import type { DialogState } from './dialog-state.ts';
import { EmptyState } from './empty-state.tsx';
import { StatusBadge } from './status-badge.tsx';
import { type Column, Table } from './table.tsx';

const COLUMNS: readonly Column[] = [
  { heading: 'Instance' },
  { heading: 'Status' },
  { heading: 'Sessions' },
  { heading: 'Memory', from: 'wide' },
  { heading: 'CPU', from: 'wide' },
  { heading: 'Lease', from: 'roomy' },
  { heading: 'Last seen', from: 'roomy' },
  { heading: 'What can be done', from: 'wide', unseen: true },
];

/** The instances and how full they are. */
export function Instances({
  instances,
  onDialog,
}: {
  instances: Instance[] | undefined;
  onDialog: (dialog: DialogState) => void;
}) {
  return (
    <section class="panel" aria-labelledby="instances-title" aria-busy={instances === undefined}>
      <div class="panel-head">
        <h2 id="instances-title">Instances</h2>
      </div>
      {instances === undefined && <p class="loading">Loading …</p>}
      {instances?.length === 0 && (
        <EmptyState icon="server" title="No instance has announced itself">
          <p>
            Start one with the same <code>REDIS_URL</code> and <code>WHATSAPP_SESSION_PATH</code> as this
            router.
          </p>
        </EmptyState>
      )}
      {instances !== undefined && instances.length > 0 && (
        <Table columns={COLUMNS}>
          {instances.map((instance) => (
            <InstanceRow key={instance.id} instance={instance} onDialog={onDialog} />
          ))}
        </Table>
      )}
    </section>
  );
}

function InstanceRow({
  instance,
  onDialog,
}: {
  instance: Instance;
  onDialog: (dialog: DialogState) => void;
}) {
  const { sessions, capacity, ready, rss_mb, browsers_pss_mb = 0, cpu } = instance;
  return (
    <tr>
      <th scope="row">
        {instance.id}
        {instance.host !== undefined && <span class="below">{instance.host}</span>}
      </th>
      <td>
        <StatusBadge status={stateOf(instance)} />
        {instance.verdict !== undefined && instance.verdict !== 'healthy' && (
          <span class="below">{instance.verdict_reason}</span>
        )}
      </td>
      <td>
        {capacity === undefined ? sessions : `${sessions} of ${capacity}`}
        {capacity !== undefined && (
          <meter
            class="meter"
            min={0}
            max={Math.max(capacity, 1)}
            high={capacity * 0.9}
            value={sessions}
            aria-label={`Sessions of ${instance.id}`}
          />
        )}
        {ready !== undefined && <span class="below">{ready} ready</span>}
      </td>
      <td class="wide-only">{rss_mb === undefined ? NOTHING : memory(rss_mb + browsers_pss_mb)}</td>
      <td class="wide-only">{cpu === undefined ? NOTHING : `${Math.round(cpu * 100)} %`}</td>
      <td class="roomy-only">{leaseText(instance)}</td>
      <td class="roomy-only">{ago(instance.announced_at)}</td>
      <td class="last wide-only">
        <DrainButton instance={instance} onDialog={onDialog} />
      </td>
    </tr>
  );
}

function DrainButton({
  instance: { id, draining },
  onDialog,
}: {
  instance: Instance;
  onDialog: (dialog: DialogState) => void;
}) {
  const kind = draining ? 'undrain' : 'drain';
  return (
    <button
      type="button"
      class="button button-small"
      aria-label={draining ? `Take back the drain of ${id}` : `Drain ${id}`}
      onClick={() => onDialog({ kind: 'operate', operation: { kind, instance: id } })}
    >
      {draining ? 'Undrain' : 'Drain'}
    </button>
  );
}

/** An instance's state in one word: what is wrong with it, or that it drains, before what it says of itself. */
function stateOf({ status, verdict, draining }: Instance): string {
  if (verdict !== undefined && verdict !== 'healthy' && verdict !== 'unknown') return verdict;
  return draining ? 'draining' : status;
}

/** How old a lease is; that it is not held, where it is not. */
function leaseText({ lease, lease_age_ms }: Instance): string {
  if (lease === undefined) return NOTHING;
  if (lease !== 'held' || typeof lease_age_ms !== 'number') return lease;
  return `${(lease_age_ms / 1000).toFixed(1)} s`;
}
