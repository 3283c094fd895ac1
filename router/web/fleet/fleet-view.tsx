import { useCallback } from 'preact/hooks';
import type { Fleet } from '../api/types.ts';
import { EmptyState } from '../parts/empty-state.tsx';
import { Panel } from '../parts/panel.tsx';
import type { ViewProps } from '../shell/dialog-state.ts';
import { count } from '../state/text.ts';
import { unlessAway } from '../state/use-fleet.ts';
import { usePoll } from '../state/use-poll.ts';
import type { Place } from '../state/use-route.ts';
import { FleetFigures } from './fleet-figures.tsx';
import { InstanceTile } from './instance-tile.tsx';
import { InstanceView } from './instance-view.tsx';
import { Moves } from './moves.tsx';
import { Story } from './story.tsx';
import { Takeovers } from './takeovers.tsx';

/** Milliseconds between two looks at what moves. */
const INTERVAL = 2000;

/** The instances as a map, what moves between them, and what happened; or one instance, where the address names one. */
export function FleetView(props: ViewProps & { place: Place; fleet: Fleet | undefined }) {
  const { place, fleet } = props;
  const [opened] = place.route.open;
  if (opened !== undefined) return <InstanceView {...props} id={opened} />;
  if (fleet === undefined) return <p class="loading">Loading …</p>;
  return <FleetMap {...props} fleet={fleet} />;
}

function FleetMap({ api, version, fleet, onDialog }: ViewProps & { fleet: Fleet }) {
  const load = useCallback(
    async (signal: AbortSignal) => {
      const [moves, events] = await Promise.all([
        unlessAway(api.fleet.moves(signal)),
        api.fleet.events(signal),
      ]);
      return { moves, events };
    },
    [api, version],
  );
  const { data } = usePoll(load, INTERVAL);
  const { instances } = fleet;
  const away = instances.reduce((sum, instance) => sum + instance.away, 0);
  return (
    <>
      <FleetFigures fleet={fleet} />
      <Panel
        name="instances"
        title="Instances"
        summary={leaderText(fleet)}
        actions={
          <button
            type="button"
            class="button button-small"
            disabled={away === 0}
            onClick={() => onDialog({ kind: 'operate', operation: { kind: 'rebalance', away } })}
          >
            {away === 0 ? 'All at home' : `Rebalance ${count(away, 'workspace')}`}
          </button>
        }
      >
        {instances.length === 0 && (
          <EmptyState icon="server" title="No instance has announced itself">
            <p>
              Start one with the same <code>REDIS_URL</code> and <code>WHATSAPP_SESSION_PATH</code> as this
              router: <code>systemctl start wharf-instance@1</code>
            </p>
          </EmptyState>
        )}
        {instances.length > 0 && (
          <ul class="tiles">
            {instances.map((instance) => (
              <li key={instance.id}>
                <InstanceTile instance={instance} onDialog={onDialog} />
              </li>
            ))}
          </ul>
        )}
      </Panel>
      <Takeovers fleet={fleet} />
      {data?.moves && <Moves moves={data.moves} />}
      {data !== undefined && <Story events={data.events} />}
    </>
  );
}

function leaderText({ leader, router }: Fleet): string {
  if (leader === null) return 'No router leads';
  return leader === router ? 'This router leads' : `Led by ${leader}`;
}
