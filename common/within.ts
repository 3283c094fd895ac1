/** A signal that is aborted with others, or before. */
export interface Within {
  signal: AbortSignal;
  /** Aborts it, and lets go of the others. */
  end(reason: unknown): void;
}

/** A signal for a part of what others end. Not AbortSignal.any: one of them may live for days, and every session of every run would hang on it. */
export function within(...until: readonly AbortSignal[]): Within {
  const controller = new AbortController();
  const letGo = () => {
    for (const signal of until) signal.removeEventListener('abort', onAbort);
  };
  const onAbort = () => {
    letGo();
    controller.abort(until.find(({ aborted }) => aborted)?.reason);
  };
  if (until.some(({ aborted }) => aborted)) onAbort();
  else for (const signal of until) signal.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    end: (reason) => {
      letGo();
      controller.abort(reason);
    },
  };
}
