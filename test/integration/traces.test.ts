import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { aPhone, OutboxFleet } from '../helpers/outbox-fleet.ts';
import { ADMIN_KEY } from '../helpers/router.ts';
import { startRouterProcess } from '../helpers/router-process.ts';
import { type CollectedSpan, TraceCollector } from '../helpers/trace-collector.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = `00-${TRACE}-00f067aa0ba902b7-01`;

let fleet: OutboxFleet | undefined;
let collector: TraceCollector | undefined;
afterEach(async () => {
  await fleet?.close();
  await collector?.close();
  [fleet, collector] = [undefined, undefined];
});

describe('a message', () => {
  it('is one trace, from whoever asks for it to the page, and is sent on where the collector is gone', async () => {
    collector = await TraceCollector.open();
    const env = { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    fleet = await OutboxFleet.start();
    const phone = aPhone();
    await fleet.linked(fleet.instance(1, env), '7', phone);
    const router = await startRouterProcess(
      { redis: fleet.redis, sessionPath: fleet.root },
      { WHARF_INTERNAL_TOKEN: fleet.token, ...env },
    );
    const send = async (text: string, path = '') => {
      const answer = await fetch(`${router.url}/api/whatsapp/sessions/main/messages${path}`, {
        method: 'POST',
        headers: {
          'x-api-key': ADMIN_KEY,
          'content-type': 'application/json',
          'idempotency-key': text,
          traceparent: CALLER,
        },
        body: JSON.stringify({ to: '491711111120', text }),
      });
      expect(await answer.json()).toMatchObject({ message_id: expect.any(String) });
    };

    await send('a quick one');
    await send('one that is waited for', '?wait=30');
    // Through the router to the instance.
    await fetch(`${router.url}/api/whatsapp/sessions/main/chats`, {
      headers: { 'x-api-key': ADMIN_KEY, traceparent: CALLER },
    });
    const sending = [
      'wharf-router: POST /api/whatsapp/sessions/:session_id/messages',
      'wharf-router: send outgoing',
      'wharf-instance: process outgoing',
      'wharf-instance: give to page',
    ].join(' > ');
    const reading =
      /^wharf-router: GET \/api\/whatsapp\/sessions\/:session_id\/chats > wharf-router: GET > wharf-instance: GET .*chats$/;
    const collected = () => collector?.spans.filter(({ trace }) => trace === TRACE) ?? [];
    // A span is sent when it has ended, and each process sends its own.
    await eventually(() => {
      const ways = collected().map((span) => wayTo(span, collected()));
      return ways.filter((way) => way === sending).length === 2 && ways.some((way) => reading.test(way));
    }, 60_000).catch((error) => {
      throw new Error(
        collected()
          .map((span) => wayTo(span, collected()))
          .join('\n'),
        { cause: error },
      );
    });
    // Nothing of what is sent, and to whom.
    expect(JSON.stringify(collected())).not.toMatch(/491711111120|a quick one|waited for/);

    await collector.close();
    collector = undefined;
    await send('after the collector');
    await eventually(async () =>
      (await fleet?.arrived(phone))?.some(({ body }) => body === 'after the collector'),
    );
  }, 180_000);
});

/** A span, and those above it. */
function wayTo({ service, name, parent }: CollectedSpan, spans: readonly CollectedSpan[]): string {
  const above = spans.find(({ id }) => id === parent);
  return `${above === undefined ? '' : `${wayTo(above, spans)} > `}${service}: ${name}`;
}
