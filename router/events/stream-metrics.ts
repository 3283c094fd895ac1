import { Counter, Gauge, type Registry } from 'prom-client';
import type { EventStreams, StreamCounts } from './event-streams.ts';

/** The streams of events in Prometheus: of this router alone. */
export function addStreamMetrics(registry: Registry, streams: Pick<EventStreams, 'counts'>): void {
  const registers = [registry];
  new Gauge({
    name: 'wharf_event_streams',
    help: 'Clients that follow events here',
    registers,
    collect() {
      this.set(streams.counts.open);
    },
  });
  new Gauge({
    name: 'wharf_event_feeds',
    help: 'Workspaces whose events are read here for those clients; all of them count as one',
    registers,
    collect() {
      this.set(streams.counts.feeds);
    },
  });
  const counter = (name: string, help: string, value: (counts: StreamCounts) => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value(streams.counts));
      },
    });
  counter('wharf_event_streams_opened_total', 'Streams of events begun', ({ opened }) => opened);
  counter('wharf_event_stream_events_total', 'Events written to streams', ({ events }) => events);
  counter(
    'wharf_event_streams_slow_total',
    'Streams ended since the client read nothing for 30 seconds',
    ({ slow }) => slow,
  );
}
