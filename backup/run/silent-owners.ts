import { isWharfError } from '../../common/errors.ts';

/** Calls in a row that an owner did not answer, after which it is not called again. */
const MOST = 3;

/**
 * Remembers during one round of a run which owners do not answer. Each call to one that hangs takes minutes: hundreds of sessions of one instance would hold the
 * backup of all others up for hours.
 */
export class SilentOwners {
  readonly #silent = new Map<string | null, number>();

  /** What came of a call; `error` undefined: it answered. */
  note(owner: string | null, error?: unknown): void {
    const silent = isWharfError(error, 'instance_unavailable');
    this.#silent.set(owner, silent ? (this.#silent.get(owner) ?? 0) + 1 : 0);
  }

  /** Why an owner is not called any more, in words; null: call it. */
  reason(owner: string | null): string | null {
    if ((this.#silent.get(owner) ?? 0) < MOST) return null;
    return owner === null
      ? 'Nobody owns its workspace, as other workspaces that were tried.'
      : `Its owner, ${owner}, did not answer for other sessions.`;
  }
}
