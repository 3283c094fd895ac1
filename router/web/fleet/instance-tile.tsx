import type { ComponentChildren } from 'preact';
import type { Instance } from '../api/types.ts';
import { StatusBadge } from '../parts/status-badge.tsx';
import { StatusBar } from '../parts/status-bar.tsx';
import type { DialogState } from '../shell/dialog-state.ts';
import { routeHash } from '../state/route.ts';
import { duration, memory, NOTHING } from '../state/text.ts';
import { leaseText, reasonOf, stateOf } from './instance-state.ts';

/** One instance on the map: how it is, what it has, and what can be done with it. */
export function InstanceTile({
  instance,
  onDialog,
}: {
  instance: Instance;
  onDialog: (dialog: DialogState) => void;
}) {
  const { id, host, by_status, capacity } = instance;
  const reason = reasonOf(instance);
  return (
    <article class="tile" aria-labelledby={`tile-${id}`}>
      <header class="tile-head">
        <h3 id={`tile-${id}`}>
          <a class="name" href={routeHash('fleet', [id])}>
            {id}
          </a>
        </h3>
        <StatusBadge status={stateOf(instance)} />
        {host !== undefined && <p class="tile-host">{host}</p>}
      </header>
      {reason !== '' && <p class="tile-reason">{reason}</p>}
      <InstanceCount instance={instance} />
      <StatusBar of={id} totals={by_status} room={capacity} />
      <InstanceFacts instance={instance} />
      <InstanceActions instance={instance} onDialog={onDialog} />
    </article>
  );
}

/** How many sessions it has, of how many it may have. */
export function InstanceCount({ instance: { sessions, capacity } }: { instance: Instance }) {
  return (
    <p class="tile-count">
      <b>{sessions}</b> {capacity === undefined ? 'sessions' : `of ${capacity} sessions`}
    </p>
  );
}

/** What an instance tells of itself. */
export function InstanceFacts({ instance }: { instance: Instance }) {
  const { workspaces, away, rss_mb, browsers_pss_mb = 0, cpu, incarnation, started_at } = instance;
  return (
    <dl class="facts tile-facts">
      <Fact name="Workspaces">
        {workspaces}
        {away > 0 && `, ${away} away from home`}
      </Fact>
      <Fact name="Memory">{rss_mb === undefined ? NOTHING : memory(rss_mb + browsers_pss_mb)}</Fact>
      <Fact name="CPU">{cpu === undefined ? NOTHING : `${Math.round(cpu * 100)} %`}</Fact>
      <Fact name="Lease">{leaseText(instance)}</Fact>
      <Fact name="Incarnation">
        {incarnation === undefined ? NOTHING : <code title={incarnation}>{incarnation.slice(0, 8)}</code>}
        {started_at !== undefined && `, up ${duration((Date.now() - Date.parse(started_at)) / 1000)}`}
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** What can be done with an instance, each behind a question. */
export function InstanceActions({
  instance: { id, draining, lease },
  onDialog,
}: {
  instance: Instance;
  onDialog: (dialog: DialogState) => void;
}) {
  const drain = draining ? 'undrain' : 'drain';
  return (
    <div class="tile-actions">
      <button
        type="button"
        class="button button-small"
        aria-label={draining ? `Take back the drain of ${id}` : `Drain ${id}`}
        onClick={() => onDialog({ kind: 'operate', operation: { kind: drain, instance: id } })}
      >
        {draining ? 'Undrain' : 'Drain'}
      </button>
      <button
        type="button"
        class="button button-small"
        aria-label={`Restart ${id}`}
        disabled={lease !== 'held'}
        onClick={() => onDialog({ kind: 'operate', operation: { kind: 'restart', instance: id } })}
      >
        Restart
      </button>
    </div>
  );
}
