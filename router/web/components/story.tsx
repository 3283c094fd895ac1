import type { Fleet, FleetEvent } from '../api/types.ts';
import { ago } from '../state/text.ts';

/** What happened to the fleet, the latest first. */
export function Story({ events, fleet }: { events: readonly FleetEvent[]; fleet: Fleet }) {
  const { leader, router } = fleet;
  return (
    <section class="panel" aria-labelledby="story-title">
      <div class="panel-head">
        <h2 id="story-title">What happened</h2>
        {leader !== null && (
          <span class="live live-on">{leader === router ? 'This router leads' : `Led by ${leader}`}</span>
        )}
      </div>
      {events.length === 0 && <p class="loading">Nothing since this router started.</p>}
      {events.length > 0 && (
        <ol class="story">
          {[...events].reverse().map((event) => (
            <li key={event.at + event.text}>
              <time dateTime={event.at} title={event.at}>
                {ago(event.at)}
              </time>
              <span>{event.text}</span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
