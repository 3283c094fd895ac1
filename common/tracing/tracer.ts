/** What is said of a span. Ids and counts: nothing of what is sent, no number, no key. */
export type SpanAttributes = Record<string, string | number | boolean>;

/** A span that goes on. */
export interface Span {
  /** Where its name is known only when it ends. */
  rename(name: string): void;
  set(attributes: SpanAttributes): void;
  /** It did not do what it was for; `code` is an error's. */
  fail(code: string): void;
}

/** A span to begin. */
export interface SpanStart {
  name: string;
  kind: 'server' | 'client' | 'producer' | 'consumer' | 'internal';
  /** A `traceparent` that came from elsewhere; null, or one that is none, begins a trace. Left out: what is under way here. */
  parent?: string | null;
  attributes?: SpanAttributes;
}

/** Makes traces. */
export interface Tracer {
  /** False: none are made, and nothing needs to be done for them. */
  readonly on: boolean;
  /** Does work as a span. What it throws goes on, and marks the span as failed. */
  run<T>(start: SpanStart, work: (span: Span) => Promise<T>): Promise<T>;
  /** The `traceparent` (W3C Trace Context) of what is under way here; undefined where nothing is. */
  current(): string | undefined;
}

const NO_SPAN: Span = { rename() {}, set() {}, fail() {} };

/** Makes no traces. */
export const NO_TRACER: Tracer = {
  on: false,
  run: (_, work) => work(NO_SPAN),
  current: () => undefined,
};

/** A `traceparent` of version 00, the only one there is. */
export const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Who makes traces. */
export interface TracedService {
  /** `wharf-router`, where `OTEL_SERVICE_NAME` does not say otherwise. */
  name: string;
  version: string;
  /** Which one of several: `instance-1`. */
  instance: string;
}

/** A tracer, which has something to close. */
export interface OpenTracer {
  tracer: Tracer;
  /** Sends what is still to be sent, for a few seconds at most. */
  close(): Promise<void>;
}
