import { constants } from 'node:os';

/**
 * Every error code of Wharf, once: its HTTP status, its title for people, and whether trying again helps.
 * `docs/errors.md` is checked against this table by a test.
 */
export const ERROR_CODES = {
  invalid_request: { status: 400, title: 'The request is not valid', retry: false },
  unauthorized: { status: 401, title: 'An API key is needed', retry: false },
  forbidden: { status: 403, title: 'This key may not do that', retry: false },
  not_found: { status: 404, title: 'There is no such thing', retry: false },
  session_not_found: { status: 404, title: 'There is no such session', retry: false },
  method_not_allowed: { status: 405, title: 'This path does not take that method', retry: false },
  request_timeout: { status: 408, title: 'The request took too long to arrive', retry: true },
  ambiguous_session: { status: 409, title: 'More than one workspace has a session of this id', retry: false },
  session_exists: { status: 409, title: 'The session exists with other settings', retry: false },
  not_awaiting_qr: { status: 409, title: 'The session is not waiting for a QR to be scanned', retry: false },
  session_not_ready: { status: 409, title: 'The session is not ready', retry: true },
  invalid_state: { status: 409, title: 'The state it is in does not allow this', retry: false },
  chat_not_found: { status: 404, title: 'There is no such chat', retry: false },
  message_not_found: { status: 404, title: 'There is no such message', retry: false },
  media_not_found: { status: 404, title: 'There is no such media', retry: false },
  backup_not_found: { status: 404, title: 'There is no such backup', retry: false },
  restore_not_found: { status: 404, title: 'There is no such restore', retry: false },
  webhook_not_found: { status: 404, title: 'The workspace has no webhook', retry: false },
  not_cancellable: { status: 409, title: 'The message cannot be cancelled any more', retry: false },
  backup_busy: { status: 409, title: 'The backup service is at something else', retry: true },
  restore_refused: { status: 409, title: 'The restore is refused unless it is forced', retry: false },
  link_expired: { status: 410, title: 'The link has expired', retry: false },
  payload_too_large: { status: 413, title: 'The body is too large', retry: false },
  unsupported_media_type: { status: 415, title: 'The body is not of a type this path takes', retry: false },
  not_owner: { status: 421, title: 'This instance does not own the workspace', retry: true },
  recipient_not_on_whatsapp: { status: 422, title: 'The recipient is not on WhatsApp', retry: false },
  media_refused: { status: 422, title: 'The media cannot be taken from there', retry: false },
  media_too_large: { status: 422, title: 'The media is too large', retry: false },
  media_unreachable: { status: 422, title: 'The media could not be fetched', retry: true },
  idempotency_conflict: {
    status: 422,
    title: 'The Idempotency-Key was used for another request',
    retry: false,
  },
  pairing_refused: { status: 422, title: 'WhatsApp did not give a pairing code', retry: true },
  queue_full: { status: 429, title: 'The queue of the session is full', retry: true },
  send_failed: { status: 502, title: 'WhatsApp refused the message', retry: false },
  send_unknown: { status: 504, title: 'The message may or may not have been sent', retry: false },
  no_capacity: { status: 503, title: 'No instance has room', retry: true },
  instance_unavailable: {
    status: 503,
    title: 'The instance of this workspace cannot be reached',
    retry: true,
  },
  ownership_unproved: {
    status: 503,
    title: 'The instance must first prove again that it owns the workspace',
    retry: true,
  },
  redis_unavailable: { status: 503, title: 'Redis cannot be reached', retry: true },
  queue_unavailable: { status: 503, title: 'The message queue cannot be used', retry: true },
  storage_unavailable: { status: 503, title: 'The session storage cannot be used', retry: true },
  backup_unavailable: { status: 503, title: 'No backup service runs', retry: true },
  backup_store_failed: { status: 502, title: 'The store of the backups cannot be used', retry: true },
  backup_damaged: { status: 500, title: 'The backup is damaged', retry: false },
  shutting_down: { status: 503, title: 'The process is stopping', retry: true },
  timeout: { status: 504, title: 'It took too long', retry: true },
  storage_full: { status: 507, title: 'The session storage has no room for it', retry: false },
  config_invalid: { status: 500, title: 'The configuration is not valid', retry: false },
  chromium_missing: { status: 500, title: 'No usable Chromium was found', retry: false },
  chromium_too_old: { status: 500, title: 'The profile was written by a newer Chromium', retry: false },
  profile_damaged: { status: 500, title: 'The profile is damaged', retry: false },
  browser_failed: { status: 502, title: 'The browser failed', retry: true },
  port_taken: { status: 500, title: 'The port is taken', retry: false },
  internal: { status: 500, title: 'Something went wrong inside Wharf', retry: true },
} as const;

/** A stable name of an error; see {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** One fault of an input: where it is (a JSON path such as `media.url`) and what is wrong there. */
export interface Fault {
  path: string;
  message: string;
}

/** What an error may carry beside its code and message. */
export interface ErrorDetails {
  /** The error underneath; kept for the log, never sent to a caller. */
  cause?: unknown;
  /** The faults of an input, all of them. */
  faults?: Fault[];
  /** Seconds after which trying again may help. */
  retryAfter?: number;
  /** More fields of the problem document; nothing secret. */
  extra?: Record<string, string | number | boolean | null>;
}

/**
 * The one error class of Wharf. `message` is for people: what failed, on what, why, and what to do next.
 * The code decides the HTTP status.
 */
export class WharfError extends Error {
  readonly code: ErrorCode;
  readonly faults: readonly Fault[] | undefined;
  readonly retryAfter: number | undefined;
  readonly extra: Readonly<Record<string, string | number | boolean | null>>;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'WharfError';
    this.code = code;
    this.faults = details.faults;
    this.retryAfter = details.retryAfter ?? (ERROR_CODES[code].status === 503 ? 2 : undefined);
    this.extra = details.extra ?? {};
  }

  /** The HTTP status of this error's code. */
  get status(): number {
    return ERROR_CODES[this.code].status;
  }
}

/** True for a {@link WharfError}, with that code if one is given. */
export function isWharfError(error: unknown, code?: ErrorCode): error is WharfError {
  return error instanceof WharfError && (code === undefined || error.code === code);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * The `code` of a Node system error (`ENOENT` ...), or undefined. Node has no name for some errors of file servers and quotas (ESTALE,
 * EDQUOT): it calls them `Unknown system error -116`, and they get their name here.
 */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return undefined;
  const unnamed = /^Unknown system error -(\d+)$/.exec(error.code);
  if (unnamed === null) return error.code;
  const number = Number(unnamed[1]);
  return Object.entries(constants.errno).find(([, known]) => known === number)?.[0] ?? error.code;
}
