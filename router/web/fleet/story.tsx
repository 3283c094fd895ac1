import type { FleetEvent } from '../api/types.ts';
import { Panel } from '../parts/panel.tsx';
import { ShowMore } from '../parts/show-more.tsx';
import { ago } from '../state/text.ts';
import { useFirst } from '../state/use-first.ts';

/** Events that are listed at first: the latest. */
const LISTED = 12;

/** What happened to the fleet, the latest first. */
export function Story({ events }: { events: readonly FleetEvent[] }) {
  const { shown, more, showAll } = useFirst([...events].reverse(), LISTED);
  return (
    <Panel name="story" title="What happened">
      {events.length === 0 && <p class="loading">Nothing since this router started.</p>}
      {events.length > 0 && (
        <ol class="story">
          {shown.map((event) => (
            <li key={event.at + event.text}>
              <time dateTime={event.at} title={event.at}>
                {ago(event.at)}
              </time>
              <span>{event.text}</span>
            </li>
          ))}
        </ol>
      )}
      <ShowMore more={more} onMore={showAll} />
    </Panel>
  );
}
