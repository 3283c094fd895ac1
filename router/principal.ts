import type { IncomingMessage } from 'node:http';
import { WharfError } from '../common/errors.ts';
import type { ApiKeys, KeyInfo } from '../fleet/api-keys.ts';

/** Who asks: an admin, who sees all; one workspace; or anyone, on open routes. */
export type Principal =
  | { kind: 'admin'; keyId: string }
  | { kind: 'workspace'; keyId: string; workspace: string }
  | { kind: 'anyone' };

/** Who asks on open routes. */
export const ANYONE: Principal = Object.freeze({ kind: 'anyone' });

/** The API key of a request: `Authorization: Bearer KEY` or `X-Api-Key: KEY`. */
export function keyOf(request: IncomingMessage): string | undefined {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const [scheme, key, ...more] = authorization.split(' ');
    return scheme?.toLowerCase() === 'bearer' && more.length === 0 && key !== '' ? key : undefined;
  }
  const key = request.headers['x-api-key'];
  return typeof key === 'string' && key !== '' ? key : undefined;
}

/** Who the holder of a key is. */
export function principalOf(info: KeyInfo): Principal {
  return info.workspace === null
    ? { kind: 'admin', keyId: info.keyId }
    : { kind: 'workspace', keyId: info.keyId, workspace: info.workspace };
}

/**
 * Finds out who asks.
 *
 * @param access what the route wants
 * @throws WharfError `unauthorized`, `forbidden`
 */
export async function authenticate(
  keys: ApiKeys,
  request: IncomingMessage,
  access: 'any' | 'admin',
): Promise<Principal> {
  const key = keyOf(request);
  if (key === undefined) {
    throw new WharfError(
      'unauthorized',
      'Send an API key as "Authorization: Bearer KEY" or "X-Api-Key: KEY". `wharf keys create` makes one.',
    );
  }
  const shown = key.slice(0, 300);
  const info = await keys.find(shown);
  if (!info) {
    const expired = keys.expired(shown);
    throw new WharfError(
      'unauthorized',
      expired === undefined
        ? 'This API key is not known: it was mistyped, or revoked.'
        : `This API key expired at ${expired}. Ask an operator for another: \`wharf keys create\` makes one.`,
    );
  }
  const principal = principalOf(info);
  if (access === 'admin' && principal.kind !== 'admin') {
    throw new WharfError('forbidden', "This takes an admin key; yours is a workspace's.");
  }
  return principal;
}
