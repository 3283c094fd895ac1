import type { Dispatcher } from 'undici';
import type { Clock } from '../../common/clock.ts';
import { messageOf, WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { ADOPT_HEADER, INTERNAL_TOKEN_HEADER } from '../../fleet/instance-api.ts';
import type { Follower } from '../registry/follower.ts';
import type { Instances } from '../registry/instances.ts';
import type { Table } from '../registry/table.ts';
import { type Failure, failureOf } from './failure.ts';
import type { Pools } from './pools.ts';

/** A request for the instance that owns a workspace. */
export interface Outgoing {
  workspace: string;
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Path and query on the instance. */
  path: string;
  /** JSON. */
  body?: string;
  requestId: string;
  /** Ends the request; given for reads only, since what changes something is better brought to its end. */
  signal?: AbortSignal;
  /** Whether doing it twice is as good as once; else it is repeated only when it was surely not sent. */
  repeatable: boolean;
  /** Milliseconds until the answer must begin. */
  patience: number;
  /** Goes to this instance, which may claim the workspace if nobody owns it; else to the owner. */
  adoptBy?: string;
  /** The error for a request that was sent and whose answer never came. */
  lost?: (why: string, cause: unknown) => WharfError;
}

/** What came back; the body is still on its way. */
export type Answer = Dispatcher.ResponseData;

/** Between two tries while an instance cannot be reached, milliseconds. */
const RETRY_PAUSE = 150;

/** What a forwarder needs. */
export interface ForwarderParts {
  table: Table;
  instances: Instances;
  follower: Follower;
  pools: Pools;
  clock: Clock;
  log: Logger;
  internalToken: string;
  /** Milliseconds a request is held in all while its instance cannot be reached. */
  holdTime: number;
}

/**
 * Brings requests to the instance that owns the workspace. An instance that cannot be reached may be restarting: the request is held
 * and tried again for a few seconds, unless it may have been done already. One that answers `not_owner` makes Redis be asked who is.
 */
export class Forwarder {
  readonly #parts: ForwarderParts;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
  }

  /**
   * Sends a request and gives the answer, whatever its status.
   *
   * @throws WharfError `instance_unavailable` after the hold; `not_owner` only where `adoptBy` was given; `timeout`; what `lost` makes
   */
  async send(outgoing: Outgoing): Promise<Answer> {
    const { clock, holdTime } = this.#parts;
    const end = clock.monotonic() + holdTime;
    let disowned = 0;
    for (;;) {
      const instance = outgoing.adoptBy ?? this.#parts.table.owner(outgoing.workspace)?.instance;
      const outcome = await this.#try(instance, outgoing);
      if (outcome.kind === 'answer') {
        if (outcome.answer.statusCode !== 421) return this.#trusted(outcome.answer, instance);
        await outcome.answer.body.dump();
        if (outgoing.adoptBy !== undefined) throw notOwner(outgoing);
        await this.#parts.follower.rereadOwner(outgoing.workspace);
        disowned += 1;
        // The first time Redis surely knew more than the table; then the workspace is between two owners.
        if (disowned === 1) continue;
      } else if (!mayRepeat(outcome.failure, outgoing)) {
        throw lostError(outcome.failure, outgoing, instance, outcome.cause);
      }
      if (clock.monotonic() + RETRY_PAUSE >= end) throw unavailable(outgoing, instance, outcome);
      await clock.sleep(RETRY_PAUSE, outgoing.signal);
    }
  }

  async #try(instance: string | undefined, outgoing: Outgoing): Promise<Outcome> {
    const url = instance === undefined ? undefined : this.#parts.instances.url(instance);
    if (url === undefined)
      return { kind: 'failure', failure: 'unsent', cause: new Error('it is not running') };
    const headers: Record<string, string> = {
      [INTERNAL_TOKEN_HEADER]: this.#parts.internalToken,
      'x-request-id': outgoing.requestId,
    };
    if (outgoing.body !== undefined) headers['content-type'] = 'application/json';
    if (outgoing.adoptBy !== undefined) headers[ADOPT_HEADER] = 'first';
    try {
      const answer = await this.#parts.pools.get(url).request({
        method: outgoing.method,
        path: outgoing.path,
        headers,
        headersTimeout: outgoing.patience,
        bodyTimeout: 30_000,
        ...(outgoing.body === undefined ? {} : { body: outgoing.body }),
        ...(outgoing.signal === undefined ? {} : { signal: outgoing.signal }),
      });
      return { kind: 'answer', answer };
    } catch (cause) {
      outgoing.signal?.throwIfAborted();
      return { kind: 'failure', failure: failureOf(cause), cause };
    }
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

type Outcome = { kind: 'answer'; answer: Answer } | { kind: 'failure'; failure: Failure; cause: unknown };

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

function unavailable(outgoing: Outgoing, instance: string | undefined, outcome: Outcome): WharfError {
  if (outcome.kind === 'answer') {
    return new WharfError(
      'instance_unavailable',
      `Workspace ${outgoing.workspace} is between two instances. Nothing was done; try again.`,
    );
  }
  return new WharfError(
    'instance_unavailable',
    `${instance ?? 'The instance'} of workspace ${outgoing.workspace} cannot be reached (${messageOf(outcome.cause).slice(0, 200)}). Nothing was done; try again.`,
    { cause: outcome.cause },
  );
}

function notOwner(outgoing: Outgoing): WharfError {
  return new WharfError('not_owner', `Workspace ${outgoing.workspace} is owned by another instance.`);
}
