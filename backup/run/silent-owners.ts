import { isWharfError } from '../../common/errors.ts';

/** Calls in a row that an owner did not answer, after which it is not called again. */
const MOST = 3;
/** And copies in a row that it did not end in time though it is well: large profiles, of which others must not suffer, or a storage that is slow for all of them. */
const MOST_SLOW = 10;

/**
 * Remembers during one round of a run which owners do not answer. Each call to one that hangs takes long: hundreds of sessions of one instance would hold the
 * backup of all others up for hours.
 */
export class SilentOwners {
  readonly #silent = new Map<string | null, number>();
  readonly #slow = new Map<string | null, number>();

  /** What came of a call; `error` undefined: it answered. */
  note(owner: string | null, error?: unknown): void {
    const isSlow = isWharfError(error, 'timeout');
    const isSilent = isWharfError(error, 'instance_unavailable');
    this.#silent.set(owner, isSilent ? (this.#silent.get(owner) ?? 0) + 1 : 0);
    if (isSlow) this.#slow.set(owner, (this.#slow.get(owner) ?? 0) + 1);
    else if (!isSilent) this.#slow.delete(owner);
  }

  /** Why an owner is not called any more, in words; null: call it. */
  reason(owner: string | null): string | null {
    if (owner !== null && (this.#slow.get(owner) ?? 0) >= MOST_SLOW)
      return `Its owner, ${owner}, took too long with ${MOST_SLOW} other sessions, one after the other.`;
    if ((this.#silent.get(owner) ?? 0) < MOST) return null;
    return owner === null
      ? 'Nobody owns its workspace, as other workspaces that were tried.'
      : `Its owner, ${owner}, did not answer for other sessions.`;
  }
}
