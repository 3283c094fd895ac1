import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import type { Pools } from '../../common/http/pools.ts';
import type { Logger } from '../../common/logger.ts';
import type { Tracer } from '../../common/tracing/tracer.ts';
import { ADOPT_HEADER, INTERNAL_TOKEN_HEADER } from '../../fleet/instance-api.ts';
import type { Follower } from '../registry/follower.ts';
import type { Instances } from '../registry/instances.ts';
import type { MovesUnderWay } from '../registry/moves-under-way.ts';
import type { Owner, Table } from '../registry/table.ts';
import { type Failure, failureOf } from './failure.ts';
import type { Hold, Holds } from './holds.ts';
import type { Answer, Outgoing } from './outgoing.ts';
import { type Refusal, refusalOf, unreachable } from './refusal.ts';

/** Between two tries of a request that is held, milliseconds: the first time, and at most. What is told of the workspace ends the pause. */
const FIRST_PAUSE = 150;
const LONGEST_PAUSE = 500;

/** Milliseconds for which a workspace counts as one that just came to its instance: its sessions may not all be up yet. */
const SETTLING = 60_000;

/** What a forwarder needs. */
export interface ForwarderParts {
  table: Table;
  instances: Instances;
  follower: Follower;
  moves: MovesUnderWay;
  holds: Holds;
  pools: Pools;
  clock: Clock;
  log: Logger;
  tracer: Tracer;
  internalToken: string;
  /** Milliseconds a request is held in all while its instance cannot be reached. */
  holdTime: number;
  /** The same while its workspace is being moved, or its sessions are coming up after that. */
  moveHoldTime: number;
}

/**
 * Brings requests to the instance that owns the workspace. One that nothing was done with, because the instance is away, the workspace is
 * between two instances or its session is just coming up, is held and tried again: a planned move then fails nobody's request. What may
 * have been done is never done twice.
 */
export class Forwarder {
  readonly #parts: ForwarderParts;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
  }

  /** How many requests are held now. */
  get held(): number {
    return this.#parts.holds.count;
  }

  /**
   * Sends a request and gives the answer, whatever its status.
   *
   * @throws WharfError `instance_unavailable` after the hold; `session_not_ready` and other errors of the instance; `not_owner` only where
   *   `adoptBy` was given; `timeout`; what `lost` makes; or the reason with which `caller` was aborted
   */
  async send(outgoing: Outgoing): Promise<Answer> {
    const { clock, table, follower, holds } = this.#parts;
    const { workspace } = outgoing;
    const start = clock.monotonic();
    let pause = FIRST_PAUSE;
    let hold: Hold | undefined;
    try {
      for (;;) {
        const outcome = await this.#try(outgoing.adoptBy ?? table.owner(workspace)?.instance, outgoing);
        if (!('kind' in outcome)) return outcome;
        if (outcome.disowned) {
          const before = table.owner(workspace);
          await follower.rereadOwner(workspace);
          if (isAnother(table.owner(workspace), before)) continue;
        }
        const limit = await this.#holdTime(outcome, workspace);
        if (clock.monotonic() + pause >= start + limit) throw outcome.error;
        hold ??= holds.take(workspace, outgoing.body?.length ?? 0);
        if (!hold) throw outcome.error;
        await hold.wait(pause, outgoing.caller);
        pause = Math.min(pause * 1.5, LONGEST_PAUSE);
      }
    } finally {
      hold?.release();
    }
  }

  /** Milliseconds in all for which a request is held, by why nothing was done with it. */
  async #holdTime({ kind }: Refusal, workspace: string): Promise<number> {
    const { table, moves, clock, holdTime, moveHoldTime } = this.#parts;
    const owner = table.owner(workspace);
    if (owner?.claimed === false || (await moves.has(workspace))) return moveHoldTime;
    if (kind === 'at_rest') return 0;
    // The first epoch is that of a workspace which came from nowhere: its sessions are new.
    if (owner && owner.epoch > 1 && clock.monotonic() - owner.since < SETTLING) return moveHoldTime;
    return kind === 'away' ? holdTime : 0;
  }

  async #try(instance: string | undefined, outgoing: Outgoing): Promise<Answer | Refusal> {
    const url = instance === undefined ? undefined : this.#parts.instances.url(instance);
    if (url === undefined) return unreachable(outgoing, instance, new Error('it is not running'));
    const headers: Record<string, string> = {
      [INTERNAL_TOKEN_HEADER]: this.#parts.internalToken,
      'x-request-id': outgoing.requestId,
    };
    if (outgoing.body !== undefined) headers['content-type'] = 'application/json';
    if (outgoing.adoptBy !== undefined) headers[ADOPT_HEADER] = 'first';
    const { caller } = outgoing;
    let answer: Answer;
    try {
      answer = await this.#ask(url, instance, outgoing, headers);
    } catch (cause) {
      caller?.throwIfAborted();
      const failure = failureOf(cause);
      if (mayRepeat(failure, outgoing)) return unreachable(outgoing, instance, cause);
      throw lostError(failure, outgoing, instance, cause);
    }
    const refusal = await refusalOf(answer, outgoing);
    if (!refusal) return this.#trusted(answer, instance);
    if (refusal.disowned && outgoing.adoptBy !== undefined) throw notOwner(outgoing);
    return refusal;
  }

  /** As a span of the trace that is under way. */
  #ask(
    url: string,
    instance: string | undefined,
    { method, path, body, patience, caller }: Outgoing,
    headers: Record<string, string>,
  ): Promise<Answer> {
    const { pools, tracer } = this.#parts;
    const attributes = { 'http.request.method': method, 'wharf.instance': instance ?? 'unknown' };
    return tracer.run({ name: method, kind: 'client', attributes }, async (span) => {
      const traceparent = tracer.current();
      const answer = await pools.get(url).request({
        method,
        path,
        headers: traceparent === undefined ? headers : { ...headers, traceparent },
        headersTimeout: patience,
        bodyTimeout: 30_000,
        ...(body === undefined ? {} : { body }),
        ...(caller === undefined || method !== 'GET' ? {} : { signal: caller }),
      });
      span.set({ 'http.response.status_code': answer.statusCode });
      return answer;
    });
  }

  /** An instance that refuses our token is a fault of the fleet's set-up: its 401 must not look like one of the caller's key. */
  async #trusted(answer: Answer, instance: string | undefined): Promise<Answer> {
    if (answer.statusCode !== 401 && answer.statusCode !== 403) return answer;
    await answer.body.dump();
    this.#parts.log.error(
      { instance, status: answer.statusCode },
      'the instance refuses the internal token: is WHARF_INTERNAL_TOKEN, or the session path, the same for all?',
    );
    throw new WharfError(
      'instance_unavailable',
      `${instance} refuses this router. Its operator finds the reason in the router's log.`,
    );
  }
}

/** Whether what was read says more than what was known. */
function isAnother(now: Owner | undefined, before: Owner | undefined): boolean {
  return (
    now?.instance !== before?.instance || now?.epoch !== before?.epoch || now?.claimed !== before?.claimed
  );
}

/** What was surely not sent is tried again; what is repeatable also when the connection broke. A late answer is never asked for twice: an instance that is slow is not helped by that. */
function mayRepeat(failure: Failure, outgoing: Outgoing): boolean {
  return failure === 'unsent' || (failure === 'broken' && outgoing.repeatable);
}

function lostError(
  failure: Failure,
  outgoing: Outgoing,
  instance: string | undefined,
  cause: unknown,
): WharfError {
  const why =
    failure === 'late'
      ? `${instance} did not answer in ${Math.round(outgoing.patience / 1000)} s`
      : `the connection to ${instance} broke`;
  if (outgoing.lost) return outgoing.lost(why, cause);
  if (failure === 'late') return new WharfError('timeout', `${why}. Try again later.`, { cause });
  return new WharfError(
    'instance_unavailable',
    `${why} after the request was sent, so that it may have been done. Look at the session before you repeat it.`,
    { cause },
  );
}

function notOwner(outgoing: Outgoing): WharfError {
  return new WharfError('not_owner', `Workspace ${outgoing.workspace} is owned by another instance.`);
}
