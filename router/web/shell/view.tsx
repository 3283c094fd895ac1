import { BackupsView } from '../backups/backups-view.tsx';
import { EventsView } from '../events/events-view.tsx';
import { FleetView } from '../fleet/fleet-view.tsx';
import { QueuesView } from '../queues/queues-view.tsx';
import { SessionsView } from '../sessions/sessions-view.tsx';
import type { Known } from '../state/use-fleet.ts';
import type { Place } from '../state/use-route.ts';
import { WebhooksView } from '../webhooks/webhooks-view.tsx';
import type { ViewProps } from './dialog-state.ts';

/** The view that the address names. */
export function View({ place, known, ...props }: ViewProps & { place: Place; known: Known }) {
  switch (place.route.view) {
    case 'fleet':
      return <FleetView {...props} place={place} fleet={known.standing.data?.fleet ?? undefined} />;
    case 'sessions':
      return <SessionsView {...props} place={place} />;
    case 'queues':
      return <QueuesView {...props} place={place} />;
    case 'webhooks':
      return <WebhooksView {...props} webhooks={known.webhooks.data} />;
    case 'backups':
      return <BackupsView {...props} backups={known.backups.data} error={known.backups.error} />;
    case 'events':
      return <EventsView {...props} place={place} />;
  }
}
