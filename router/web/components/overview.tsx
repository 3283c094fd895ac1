import type { SessionStatus } from '../../../fleet/records.ts';
import { memory, NOTHING } from '../state/text.ts';
import type { View } from '../state/use-fleet.ts';

/** States in which nothing goes on until a person does something. */
const WAITING: readonly SessionStatus[] = ['qr', 'pairing', 'logged_out', 'failed'];

/** The fleet in a few figures. */
export function Overview({ view }: { view: View | undefined }) {
  const sum = (statuses: readonly SessionStatus[]) =>
    statuses.reduce((total, status) => total + (view?.totals[status] ?? 0), 0);
  const all = Object.values(view?.totals ?? {}).reduce((total, number) => total + number, 0);
  const instances = view?.fleet?.instances;
  const healthy = instances?.filter((instance) => instance.status === 'healthy').length;
  const used = instances?.reduce(
    (total, { rss_mb = 0, browsers_pss_mb = 0 }) => total + rss_mb + browsers_pss_mb,
    0,
  );
  const queued = view?.queues?.totals;
  const stuck = queued?.by_state['stuck'] ?? 0;
  return (
    <section aria-label="Overview">
      <dl class="figures">
        <Figure name="Sessions" value={view === undefined ? NOTHING : String(all)} />
        <Figure name="Ready" value={view === undefined ? NOTHING : String(sum(['ready']))} />
        <Figure
          name="Need you"
          value={view === undefined ? NOTHING : String(sum(WAITING))}
          alarming={sum(WAITING) > 0}
        />
        {instances !== undefined && (
          <Figure
            name="Instances up"
            value={`${healthy} of ${instances.length}`}
            alarming={healthy !== instances.length}
          />
        )}
        {queued !== undefined && <Figure name="Queued" value={String(queued.depth)} />}
        {stuck > 0 && <Figure name="Stuck queues" value={String(stuck)} alarming />}
        {used !== undefined && <Figure name="Memory" value={memory(used)} />}
      </dl>
    </section>
  );
}

function Figure({ name, value, alarming = false }: { name: string; value: string; alarming?: boolean }) {
  return (
    <div class={alarming ? 'figure figure-alarming' : 'figure'}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
