/**
 * How long ownership lasts and how long a new owner waits, milliseconds. The same in the whole fleet.
 *
 * What must hold, and why, stands in `docs/decisions/0007-ownership.md`: `wait` is more than `authority` by as much as a new claim may
 * take to show on another host; `lease` is more than `authority`, so that an owner whose lease lapsed has stopped already.
 */
export interface OwnershipTimes {
  /** A lease that is not renewed for so long has lapsed. */
  lease: number;
  /** Between two renewals. */
  renew: number;
  /** How old a proof of authority may be (`T_auth`), counted from before it was asked for. */
  authority: number;
  /** From the return of a claim to the first browser of a new owner (`T_wait`), unless the old one was seen to end. */
  wait: number;
  /** A question to Redis that takes longer is no answer. */
  redis: number;
  /** A look at the shared storage that takes longer is no answer. */
  look: number;
  /** Between two looks at the claims of everything owned, while Redis answers. */
  sweep: number;
  /** How long an instance that stopped cleanly may be away before its workspaces go elsewhere. */
  restart: number;
}

/** The times of `design.md`. */
export const OWNERSHIP_TIMES: Readonly<OwnershipTimes> = Object.freeze({
  lease: 10_000,
  renew: 2000,
  authority: 7000,
  wait: 8000,
  redis: 1500,
  look: 3000,
  sweep: 5000,
  restart: 60_000,
});
