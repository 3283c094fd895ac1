import {
  type Context,
  type DiagLogFunction,
  diag,
  isSpanContextValid,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Env } from '../env.ts';
import { WharfError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { samplingOf } from './sampling.ts';
import {
  type OpenTracer,
  type Span,
  type SpanAttributes,
  type SpanStart,
  TRACEPARENT,
  type TracedService,
  type Tracer,
} from './tracer.ts';

const KINDS: Readonly<Record<SpanStart['kind'], SpanKind>> = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
};

/** A collector that is away is complained of this often, milliseconds. */
const COMPLAINT_INTERVAL = 60_000;

/** How long an export, and the last one at the end, may take, milliseconds. */
const EXPORT_TIMEOUT = 5000;

/**
 * Traces by OpenTelemetry's libraries, sent as OTLP over HTTP to where `OTEL_EXPORTER_OTLP_ENDPOINT` (or `_TRACES_ENDPOINT`) says, with `_HEADERS` and the rest
 * as its exporter reads them. Spans wait in a queue of 2048; what does not fit, since the collector is away or slow, is dropped.
 *
 * @throws WharfError `config_invalid`
 */
export function openOtelTracer(service: TracedService, env: Env, log: Logger): OpenTracer {
  const { ratio, followsParent } = samplingOf(env);
  const root = new TraceIdRatioBasedSampler(ratio);
  diag.setLogger(complaints(log));
  const resource = defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': service.name,
        'service.version': service.version,
        'service.instance.id': service.instance,
      }),
    )
    .merge(detectResources({ detectors: [envDetector] }));
  const provider = new TracerProvider({
    resource,
    sampler: followsParent ? new ParentBasedSampler({ root }) : root,
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ timeoutMillis: EXPORT_TIMEOUT }),
        exportTimeoutMillis: EXPORT_TIMEOUT,
      }),
    ],
  });
  return {
    tracer: new SpanMaker(provider.getTracer('wharf', service.version)),
    close: async () => {
      await provider.shutdown().catch(() => {});
      diag.disable();
    },
  };
}

class SpanMaker implements Tracer {
  readonly on = true;
  readonly #tracer: OtelTracer;
  // Of its own, and not the library's global one: two services in one process (as in tests) do not meet.
  readonly #contexts = new AsyncLocalStorageContextManager().enable();

  constructor(tracer: OtelTracer) {
    this.#tracer = tracer;
  }

  async run<T>(start: SpanStart, work: (span: Span) => Promise<T>): Promise<T> {
    const { name, kind, parent, attributes = {} } = start;
    const above = parent === undefined ? this.#contexts.active() : contextOf(parent);
    const made = this.#tracer.startSpan(name, { kind: KINDS[kind], attributes }, above);
    const span: Span = {
      rename: (better: string) => made.updateName(better),
      set: (more: SpanAttributes) => made.setAttributes(more),
      fail: (code: string) => {
        made.setAttribute('error.type', code);
        made.setStatus({ code: SpanStatusCode.ERROR });
      },
    };
    try {
      return await this.#contexts.with(trace.setSpan(above, made), () => work(span));
    } catch (error) {
      span.fail(error instanceof WharfError ? error.code : 'internal');
      throw error;
    } finally {
      made.end();
    }
  }

  current(): string | undefined {
    const context = trace.getSpanContext(this.#contexts.active());
    if (!context || !isSpanContextValid(context)) return undefined;
    const flags = context.traceFlags.toString(16).padStart(2, '0');
    return `00-${context.traceId}-${context.spanId}-${flags}`;
  }
}

function contextOf(traceparent: string | null): Context {
  if (traceparent === null || !TRACEPARENT.test(traceparent)) return ROOT_CONTEXT;
  const [, traceId = '', spanId = '', flags = '00'] = traceparent.split('-');
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(context) ? trace.setSpanContext(ROOT_CONTEXT, context) : ROOT_CONTEXT;
}

/** What the library complains of, in our log: a collector that is away would otherwise be told of every five seconds. */
function complaints(log: Logger) {
  let last = Number.NEGATIVE_INFINITY;
  const warn: DiagLogFunction = (message) => {
    const now = performance.now();
    if (now - last < COMPLAINT_INTERVAL) return;
    last = now;
    // Its words may hold the whole answer of a collector.
    log.warn({ reason: message.slice(0, 300) }, 'traces could not be sent, and are dropped');
  };
  const quiet = () => {};
  return { error: warn, warn, info: quiet, debug: quiet, verbose: quiet };
}
