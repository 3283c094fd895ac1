/** A signal that is aborted with another, or before. */
export interface Within {
  signal: AbortSignal;
  /** Aborts it, and lets go of the other one. */
  end(reason: unknown): void;
}

/** A signal for a part of what another ends. Not AbortSignal.any: the other may live for days, and every session of every run would hang on it. */
export function within(until: AbortSignal): Within {
  const controller = new AbortController();
  const onAbort = () => controller.abort(until.reason);
  if (until.aborted) onAbort();
  else until.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    end: (reason) => {
      until.removeEventListener('abort', onAbort);
      controller.abort(reason);
    },
  };
}
