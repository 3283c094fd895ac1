import { describe, expect, it } from 'vitest';
import { createLogger } from '../../common/logger.ts';

function logged(write: (log: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  write(createLogger('trace', { service: 'test' }, { write: (line) => lines.push(line) }));
  return lines.join('');
}

const SECRETS = [
  'authorization',
  'api_key',
  'apiKey',
  'key',
  'token',
  'internalToken',
  'secret',
  'password',
  'cookie',
  'qr',
  'pairing_code',
  'pairingCode',
  'text',
  'body',
  'caption',
  'data',
];

describe('the log', () => {
  it.each(SECRETS)('never holds what stands in %s, down to the third level', (field) => {
    const text = logged((log) => {
      log.info({ [field]: 'hunter2' }, 'one');
      log.warn({ a: { [field]: 'hunter2' } }, 'two');
      log.error({ a: { b: { [field]: 'hunter2' } } }, 'three');
      log.child({ [field]: 'hunter2' }).debug('four');
      log.error({ err: Object.assign(new Error('x'), { [field]: 'hunter2' }) }, 'five');
    });
    expect(text).not.toContain('hunter2');
    expect(text.trim().split('\n')).toHaveLength(5);
  });

  it.each(['x-api-key', 'x-wharf-token', 'authorization', 'cookie'])(
    'never holds the header %s',
    (header) => {
      const text = logged((log) => {
        log.info({ headers: { [header]: 'hunter2' } });
        log.info({ req: { headers: { [header]: 'hunter2' } } });
      });
      expect(text).not.toContain('hunter2');
      expect(text).toContain('[redacted]');
    },
  );

  it('is JSON lines with the level as a word, the time in UTC, and what it was told to say on each', () => {
    const line = JSON.parse(logged((log) => log.info({ workspace: '7' }, 'hello')));
    expect(line).toMatchObject({ level: 'info', service: 'test', workspace: '7', msg: 'hello' });
    expect(new Date(line.time).toISOString()).toBe(line.time);
  });

  it('says nothing at silent', () => {
    const lines: string[] = [];
    createLogger('silent', {}, { write: (line) => lines.push(line) }).fatal('x');
    expect(lines).toEqual([]);
  });
});
