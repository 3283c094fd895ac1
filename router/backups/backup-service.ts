import type { Clock } from '../../common/clock.ts';
import { messageOf, systemCode, WharfError } from '../../common/errors.ts';
import type { Pools } from '../../common/http/pools.ts';
import type { Logger } from '../../common/logger.ts';
import type { BackupLease, BackupServiceNote } from '../../fleet/backup/backup-lease.ts';
import { INTERNAL_TOKEN_HEADER } from '../../fleet/instance-api.ts';
import { failureOf } from '../proxy/failure.ts';
import type { Answer } from '../proxy/outgoing.ts';

/** Milliseconds for which it is believed who holds the lease. */
const BELIEVED = 1000;

/** Milliseconds between two pieces of an answer; a service that reads a bucket may wait for that. */
const SILENCE = 120_000;

/** A request for the backup service. */
export interface BackupRequest {
  method: 'GET' | 'HEAD' | 'POST';
  /** Path and query. */
  path: string;
  /** JSON. */
  body?: string;
  requestId: string;
  /** Milliseconds until the answer must begin. */
  patience: number;
  /** Aborted when the caller leaves. What was asked to change something goes on. */
  caller: AbortSignal;
}

/** What {@link BackupService} works with. */
export interface BackupServiceParts {
  lease: Pick<BackupLease, 'holder'>;
  /** Connections to it and to nobody else. */
  pools: Pools;
  /** The fleet's internal token. */
  token: string;
  clock: Clock;
  log: Logger;
}

/** The backup service as routers see it: whoever holds the lease. */
export class BackupService {
  readonly #parts: BackupServiceParts;
  #known: { note: BackupServiceNote; at: number } | undefined;

  constructor(parts: BackupServiceParts) {
    this.#parts = parts;
  }

  /**
   * Sends a request and gives the answer, whatever its status; the body is still on its way.
   *
   * @throws WharfError `backup_unavailable` where no service holds the lease or it cannot be reached; `timeout`; `redis_unavailable`; or the
   *   reason with which the caller was aborted
   */
  async send(request: BackupRequest): Promise<Answer> {
    const note = await this.#holder();
    try {
      return await this.#ask(note, request);
    } catch (error) {
      request.caller.throwIfAborted();
      this.#known = undefined;
      if (failureOf(error) !== 'unsent') throw lostError(note, request, error);
      // It may have gone since, and another may have its place.
      const now = await this.#holder();
      if (now.service === note.service) throw awayError(note, error);
      return await this.#ask(now, request).catch((cause: unknown) => {
        request.caller.throwIfAborted();
        throw failureOf(cause) === 'unsent' ? awayError(now, cause) : lostError(now, request, cause);
      });
    }
  }

  async #holder(): Promise<BackupServiceNote> {
    const { lease, pools, clock } = this.#parts;
    if (this.#known !== undefined && clock.monotonic() - this.#known.at < BELIEVED) return this.#known.note;
    const note = await lease.holder();
    if (note === null)
      throw new WharfError(
        'backup_unavailable',
        'No backup service runs: nothing is backed up, and nothing can be restored. Start one (node dist/backup/main.js) with the REDIS_URL and WHATSAPP_SESSION_PATH of this router; where one was started, its log says why it ended.',
      );
    this.#known = { note, at: clock.monotonic() };
    pools.keepOnly(new Set([note.url]));
    return note;
  }

  async #ask({ url }: BackupServiceNote, request: BackupRequest): Promise<Answer> {
    const { pools, token } = this.#parts;
    const answer = await pools.get(url).request({
      method: request.method,
      path: request.path,
      headers: {
        [INTERNAL_TOKEN_HEADER]: token,
        'x-request-id': request.requestId,
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      headersTimeout: request.patience,
      bodyTimeout: SILENCE,
      ...(request.body === undefined ? {} : { body: request.body }),
      ...(request.method === 'POST' ? {} : { signal: request.caller }),
    });
    if (answer.statusCode === 401 || answer.statusCode === 403) return await this.#refused(url, answer);
    return answer;
  }

  /** A service that refuses our token is a fault of the fleet's set-up: its 401 must not look like one of the caller's key. */
  async #refused(url: string, answer: Answer): Promise<never> {
    await answer.body.dump();
    this.#parts.log.error(
      { url, status: answer.statusCode },
      'the backup service refuses the internal token: is WHARF_INTERNAL_TOKEN, or the session path, the same for all?',
    );
    throw new WharfError(
      'backup_unavailable',
      "The backup service refuses this router. Its operator finds the reason in the router's log.",
    );
  }
}

function awayError({ url, host, pid }: BackupServiceNote, cause: unknown): WharfError {
  return new WharfError(
    'backup_unavailable',
    `The backup service (process ${pid} on ${host}) cannot be reached at ${url} (${systemCode(cause) ?? messageOf(cause)}). If it has just ended, another takes its place within a minute; else look at its ANNOUNCE_URL, and at its log.`,
    { cause },
  );
}

function lostError(note: BackupServiceNote, request: BackupRequest, cause: unknown): WharfError {
  if (cause instanceof WharfError) return cause;
  const late = failureOf(cause) === 'late';
  const why = late
    ? `The backup service on ${note.host} did not answer in ${Math.round(request.patience / 1000)} s.`
    : `The connection to the backup service on ${note.host} broke.`;
  const next =
    request.method === 'POST'
      ? ' What was asked may have begun all the same: look at /api/backups/operations or /api/restores before you repeat it.'
      : ' Try again.';
  return new WharfError(late ? 'timeout' : 'backup_unavailable', why + next, { cause });
}
