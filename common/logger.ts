import type { Logger } from 'pino';
import { pino, stdTimeFunctions } from 'pino';

export type { Logger } from 'pino';

/** Fields that never reach a log, at the top and one or two levels down: keys, tokens, QR, pairing codes, message bodies. */
const SECRET_FIELDS = [
  'authorization',
  'api_key',
  'apiKey',
  'key',
  'token',
  'secret',
  'password',
  'cookie',
  'qr',
  'code_image',
  'pairing_code',
  'pairingCode',
  'text',
  'body',
  'caption',
  'message_body',
  'data',
  'internalToken',
];

/**
 * A JSON-lines logger on standard error's sibling: standard output, or the given stream.
 * Secrets are redacted by field name.
 *
 * @param level the least severe level that is written
 * @param bindings fields on each line: `service`, `instance` ...
 */
export function createLogger(
  level: string,
  bindings: Record<string, string | number>,
  destination?: { write(line: string): void },
): Logger {
  const paths = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);
  const headers = [
    'req.headers["x-api-key"]',
    'headers["x-api-key"]',
    'headers["x-wharf-token"]',
    'req.headers["x-wharf-token"]',
  ];
  const options = {
    level,
    base: { ...bindings },
    timestamp: stdTimeFunctions.isoTime,
    redact: { paths: [...paths, ...headers], censor: '[redacted]' },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
