import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { WharfError } from '../../common/errors.ts';
import type { SessionKey } from '../../fleet/queue/message-ids.ts';
import type { Principal } from '../principal.ts';
import { idempotencyKeySchema, type SendRequest } from './send-request.ts';

/** An Idempotency-Key of a caller. */
export interface CallersKey {
  /** Whose it is: two callers may choose the same. */
  owner: string;
  key: string;
}

/**
 * The Idempotency-Key of a request, if it has one.
 *
 * @throws WharfError `invalid_request`
 */
export function idempotencyKeyOf(headers: IncomingHttpHeaders): string | undefined {
  const given = headers['idempotency-key'];
  if (given === undefined) return undefined;
  const parsed = idempotencyKeySchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const message = parsed.error.issues[0]?.message ?? 'is not valid';
  const path = 'header.Idempotency-Key';
  throw new WharfError('invalid_request', `${path}: ${message}`, { faults: [{ path, message }] });
}

/** Makes a key a caller's own: of this API key, for this workspace. */
export function callersKey(principal: Principal, workspace: string, key: string): CallersKey {
  return { owner: `${principal.kind === 'anyone' ? '' : principal.keyId}/${workspace}`, key };
}

/**
 * Hash of what is asked for. It is taken of what was understood, not of the bytes: the order of fields and the spelling of a number make no
 * difference, so that a client may write the same request in another way when it tries again.
 */
export function fingerprintOf(session: SessionKey, request: SendRequest): string {
  const { message, priority = 'normal', on_unknown = 'report', send_at = null } = request;
  const hash = createHash('sha256');
  // Media in the body is long, and is hashed without a copy.
  const data = 'media' in message && 'data' in message.media ? message.media.data : '';
  const asked = [
    session.workspace,
    session.session,
    priority,
    on_unknown,
    send_at === null ? null : Date.parse(send_at),
    data === '' ? message : { ...message, media: { ...('media' in message ? message.media : {}), data: '' } },
  ];
  return hash.update(JSON.stringify(asked)).update('\n').update(data).digest('hex');
}
