import type { SessionStatus } from '../../../fleet/records.ts';
import type { Fleet } from '../api/types.ts';
import { Figure, Figures } from '../parts/figures.tsx';
import { memory } from '../state/text.ts';

/** States in which nothing goes on until a person does something. */
const WAITING: readonly SessionStatus[] = ['qr', 'pairing', 'logged_out', 'failed'];

/** Share of the places that are taken from which on it should be looked at. */
const FULL = 0.85;

/** The fleet in a few figures. */
export function FleetFigures({ fleet: { instances, sessions } }: { fleet: Fleet }) {
  const inStatus = (statuses: readonly SessionStatus[]) =>
    instances.reduce(
      (sum, { by_status }) => sum + statuses.reduce((all, status) => all + (by_status[status] ?? 0), 0),
      0,
    );
  const healthy = instances.filter(({ status }) => status === 'healthy' || status === 'at_capacity').length;
  const room = instances.reduce((sum, { capacity = 0 }) => sum + capacity, 0);
  const used = instances.reduce(
    (sum, { rss_mb = 0, browsers_pss_mb = 0 }) => sum + rss_mb + browsers_pss_mb,
    0,
  );
  const running = sessions - inStatus(['stopped', 'parked', 'logged_out', 'failed']);
  const waiting = inStatus(WAITING);
  return (
    <Figures label="Overview">
      <Figure name="Sessions" value={sessions} below={`${inStatus(['ready'])} ready`} />
      <Figure name="Need you" value={waiting} alarming={waiting > 0} below="to scan, or failed" />
      <Figure
        name="Instances up"
        value={`${healthy} of ${instances.length}`}
        alarming={healthy !== instances.length}
      />
      {room > 0 && (
        <Figure
          name="Room taken"
          value={`${Math.round((sessions / room) * 100)} %`}
          alarming={sessions > room * FULL}
          below={`${sessions} of ${room}`}
        />
      )}
      <Figure
        name="Memory"
        value={memory(used)}
        below={running > 0 ? `${memory(used / running)} a session` : undefined}
      />
    </Figures>
  );
}
