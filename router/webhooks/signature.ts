import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

/** Bytes of a secret that is made here; the specification asks for 24 to 64. */
const SECRET_BYTES = 32;
const PREFIX = 'whsec_';

/** The headers of a signed request, as https://www.standardwebhooks.com has them. */
export interface SignatureHeaders {
  'webhook-id': string;
  /** Seconds since 1970, of this try. */
  'webhook-timestamp': string;
  /** One signature for each secret, with spaces between. */
  'webhook-signature': string;
}

/** A new secret: `whsec_` and 32 random bytes in base64. */
export function newSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

/** True for `whsec_` and the base64 of 24 to 64 bytes. */
export function isSecret(text: string): boolean {
  if (!text.startsWith(PREFIX)) return false;
  const encoded = text.slice(PREFIX.length);
  const bytes = Buffer.from(encoded, 'base64');
  return bytes.length >= 24 && bytes.length <= 64 && bytes.toString('base64') === encoded;
}

/**
 * Signs a body.
 *
 * @param id of the event: the same at every try, so that a receiver knows what it has seen
 * @param now milliseconds since 1970
 * @param secrets all that are good at this moment, newest first
 */
export function sign(id: string, now: number, body: string, secrets: readonly string[]): SignatureHeaders {
  const time = new Date(now);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now / 1000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, time, body)).join(' '),
  };
}
