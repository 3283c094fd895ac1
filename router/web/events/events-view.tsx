import { useCallback, useState } from 'preact/hooks';
import type { LiveEvent } from '../api/types.ts';
import { EmptyState } from '../parts/empty-state.tsx';
import { Panel } from '../parts/panel.tsx';
import { SearchField } from '../parts/search-field.tsx';
import type { ViewProps } from '../shell/dialog-state.ts';
import { timeOfDay } from '../state/text.ts';
import { useEvents } from '../state/use-events.ts';
import type { Place } from '../state/use-route.ts';
import { eventText, isOfKind, KIND_TEXTS, KINDS, whoseText } from './event-text.ts';

/** What happens to messages, sessions and the fleet, as it does; the latest first. */
export function EventsView({ api, isAdmin, place }: ViewProps & { place: Place }) {
  const { workspace = '', kind = '', text = '' } = place.route.query;
  const [paused, setPaused] = useState(false);
  const isWanted = useCallback(
    (event: LiveEvent) => isOfKind(event, kind) && hasText(event, text),
    [kind, text],
  );
  const { events, connected, refused, clear } = useEvents(api, { workspace, isWanted, paused });
  const state = paused ? 'Paused' : connected ? 'Live' : 'Connecting …';
  const isFiltered = workspace !== '' || kind !== '' || text !== '';
  const filters = (
    <search class="filters" aria-label="Events">
      <SearchField
        label="Search events"
        placeholder="Text in an event"
        value={text}
        onValue={(value) => place.narrow({ text: value })}
      />
      {isAdmin && (
        <SearchField
          label="Only of workspace"
          placeholder="Workspace"
          value={workspace}
          onValue={(value) => place.narrow({ workspace: value })}
        />
      )}
      <select
        aria-label="Kind of event"
        value={kind}
        onChange={({ currentTarget }) => place.narrow({ kind: currentTarget.value })}
      >
        <option value="">All kinds</option>
        {KINDS.map((each) => (
          <option key={each} value={each}>
            {KIND_TEXTS[each]}
          </option>
        ))}
      </select>
    </search>
  );
  return (
    <Panel
      name="events"
      title="Events"
      unseenTitle
      filters={filters}
      summary={<span class={connected && !paused ? 'live live-on' : 'live'}>{state}</span>}
      actions={
        <>
          <button type="button" class="button button-small" disabled={events.length === 0} onClick={clear}>
            Clear
          </button>
          <button
            type="button"
            class="button button-small"
            aria-pressed={paused}
            onClick={() => setPaused(!paused)}
          >
            Pause
          </button>
        </>
      }
    >
      {refused !== null && <p class="loading">{refused}</p>}
      {refused === null && events.length === 0 && (
        <EmptyState icon="events" title={isFiltered ? 'Nothing like that yet' : 'Nothing happened yet'}>
          <p>
            {paused
              ? 'It is paused. What happens meanwhile is not shown.'
              : 'What happens from now on is shown here. What happened before, receivers of webhooks have.'}
          </p>
        </EmptyState>
      )}
      {events.length > 0 && (
        <ol class="story" aria-label="Latest events">
          {events.map((event) => (
            <EventEntry key={event.id} event={event} />
          ))}
        </ol>
      )}
    </Panel>
  );
}

function EventEntry({ event }: { event: LiveEvent }) {
  return (
    <li>
      <time dateTime={event.timestamp} title={event.timestamp}>
        {timeOfDay(event.timestamp)}
      </time>
      <span>
        <code class="event-type">{event.type}</code> {whoseText(event)}
        <span class="below">{eventText(event)}</span>
      </span>
    </li>
  );
}

/** Whether an event has this text anywhere. */
function hasText(event: LiveEvent, text: string): boolean {
  return text === '' || JSON.stringify(event).toLowerCase().includes(text.toLowerCase());
}
