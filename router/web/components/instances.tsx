import type { Instance } from '../api/types.ts';
import { ago, memory, NOTHING } from '../state/text.ts';
import { EmptyState } from './empty-state.tsx';
import { StatusBadge } from './status-badge.tsx';

/** The instances and how full they are. */
export function Instances({ instances }: { instances: Instance[] | undefined }) {
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
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Instance</th>
              <th scope="col">Status</th>
              <th scope="col">Sessions</th>
              <th scope="col" class="wide-only">
                Memory
              </th>
              <th scope="col" class="wide-only">
                CPU
              </th>
              <th scope="col" class="wide-only">
                Last seen
              </th>
            </tr>
          </thead>
          <tbody>
            {instances.map((instance) => (
              <InstanceRow key={instance.id} instance={instance} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function InstanceRow({ instance }: { instance: Instance }) {
  const { sessions, capacity, ready, rss_mb, browsers_pss_mb = 0, cpu } = instance;
  return (
    <tr>
      <th scope="row">
        {instance.id}
        {instance.host !== undefined && <span class="below">{instance.host}</span>}
      </th>
      <td>
        <StatusBadge status={instance.status} />
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
      <td class="wide-only">{ago(instance.announced_at)}</td>
    </tr>
  );
}
