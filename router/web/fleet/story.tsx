import { useState } from 'preact/hooks';
import type { FleetEvent } from '../api/types.ts';
import { Panel } from '../parts/panel.tsx';
import { ago } from '../state/text.ts';

/** Events that are listed at first: the latest. */
const LISTED = 12;

/** What happened to the fleet, the latest first. */
export function Story({ events }: { events: readonly FleetEvent[] }) {
  const [all, setAll] = useState(false);
  const latest = [...events].reverse();
  return (
    <Panel name="story" title="What happened">
      {events.length === 0 && <p class="loading">Nothing since this router started.</p>}
      {events.length > 0 && (
        <ol class="story">
          {latest.slice(0, all ? latest.length : LISTED).map((event) => (
            <li key={event.at + event.text}>
              <time dateTime={event.at} title={event.at}>
                {ago(event.at)}
              </time>
              <span>{event.text}</span>
            </li>
          ))}
        </ol>
      )}
      {latest.length > LISTED && !all && (
        <p class="more">
          <button type="button" class="button button-small" onClick={() => setAll(true)}>
            Show {latest.length - LISTED} more
          </button>
        </p>
      )}
    </Panel>
  );
}
