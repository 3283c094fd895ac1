import type { WharfEvent } from '../../fleet/events/event.ts';
import type { LoggedEvent, Position } from '../../fleet/events/event-log.ts';
import { showWorkspaceId } from '../../fleet/ids.ts';

/** An event as HTTP shows it: webhooks and SSE alike. */
function shownEvent({ workspace_id, ...event }: WharfEvent): object {
  const { id, type, timestamp, session_id, data } = event;
  return {
    id,
    type,
    timestamp,
    workspace_id: workspace_id === null ? null : showWorkspaceId(workspace_id),
    session_id,
    data,
  };
}

/** Server-sent events by the HTML standard, 9.2: a frame ends with an empty line, and JSON has no line break in it. */
export function eventFrame({ position, event }: LoggedEvent): string {
  return `id: ${position}\nevent: ${event.type}\ndata: ${JSON.stringify(shownEvent(event))}\n\n`;
}

/** Where the stream stands, without an event: the client remembers it, and resumes there. Also a sign of life. */
export function positionFrame(position: Position): string {
  return `: still here\nid: ${position}\n\n`;
}

/** What a stream begins with. `retry`: milliseconds the client waits before it comes again. */
export function openingFrame(position: Position, retry: number): string {
  return `retry: ${retry}\nid: ${position}\n\n`;
}

/** A sign of life while nobody knows where the stream stands. */
export const WAITING_FRAME = ': the event log cannot be read now\n\n';

/** Some events after a position are not kept any more. */
export function gapFrame(after: Position): string {
  return `event: gap\ndata: ${JSON.stringify({ after })}\n\n`;
}
