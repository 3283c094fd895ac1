import { useState } from 'preact/hooks';
import type { ApiClient } from '../api/client.ts';
import type { LiveEvent } from '../api/types.ts';
import { timeOfDay } from '../state/text.ts';
import { useEvents } from '../state/use-events.ts';

/** What happens to messages and sessions, as it does; the latest first. */
export function LiveEvents({ api }: { api: ApiClient }) {
  const [paused, setPaused] = useState(false);
  const { events, connected, refused } = useEvents(api, paused);
  const state = paused ? 'Paused' : connected ? 'Live' : 'Connecting …';
  return (
    <section class="panel" aria-labelledby="events-title">
      <div class="panel-head">
        <h2 id="events-title">Events</h2>
        <span class={connected && !paused ? 'live live-on' : 'live'}>{state}</span>
        <button
          type="button"
          class="button button-small panel-action"
          aria-pressed={paused}
          onClick={() => setPaused(!paused)}
        >
          Pause
        </button>
      </div>
      {refused !== null && <p class="loading">{refused}</p>}
      {refused === null && events.length === 0 && (
        <p class="loading">Nothing happened since this page was opened.</p>
      )}
      {events.length > 0 && (
        <ol class="story" aria-label="Latest events">
          {events.map((event) => (
            <li key={event.id}>
              <time dateTime={event.timestamp} title={event.timestamp}>
                {timeOfDay(event.timestamp)}
              </time>
              <span>
                <code class="event-type">{event.type}</code> {whoseText(event)}
                <span class="below">{eventText(event)}</span>
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function whoseText({ workspace_id, session_id }: LiveEvent): string {
  if (workspace_id === null) return '';
  return session_id === null ? `Workspace ${workspace_id}` : `${session_id} of workspace ${workspace_id}`;
}

/** What is worth showing of each event's data, in this order. */
const WORTHY = [
  'status',
  'text',
  'instance',
  'from',
  'to',
  'why',
  'emoji',
  'reason',
  'message_id',
  'whatsapp_id',
];

/** Characters of one value. */
const LONGEST = 120;

function eventText({ type, data }: LiveEvent): string {
  // The code would be out of date before it is read; the session's dialog shows the one of now.
  if (type === 'session.qr') return 'A new code to scan';
  return WORTHY.flatMap((name) => {
    const value = data[name];
    if (typeof value !== 'string' || value === '') return [];
    return [`${name}: ${value.length > LONGEST ? `${value.slice(0, LONGEST)} …` : value}`];
  }).join(' · ');
}
