/** Something that is waited for. */
export interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  isResolved: boolean;
}

export function deferred(): Deferred {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  const result: Deferred = {
    promise,
    isResolved: false,
    resolve: () => {
      result.isResolved = true;
      resolve();
    },
  };
  return result;
}

/** One that is still waited for stays; one that has happened begins again. */
export function renewed(before: Deferred): Deferred {
  return before.isResolved ? deferred() : before;
}
