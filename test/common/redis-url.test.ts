import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { messageOf } from '../../common/errors.ts';
import { parseRedisUrl } from '../../common/redis.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

function refusal(url: string): string {
  try {
    parseRedisUrl(url);
  } catch (error) {
    return messageOf(error);
  }
  throw new Error(`taken: ${url}`);
}

describe('parseRedisUrl', () => {
  it.each([
    ['redis://localhost', { host: 'localhost', port: 6379 }],
    ['redis://127.0.0.1:7000/3', { host: '127.0.0.1', port: 7000, db: 3 }],
    ['redis://[::1]:7000', { host: '::1', port: 7000 }],
    ['redis://:pw@host', { host: 'host', port: 6379, password: 'pw' }],
    [
      'redis://user:p%40ss%2Fword@host',
      { host: 'host', port: 6379, username: 'user', password: 'p@ss/word' },
    ],
    ['redis://user:a:b@host', { host: 'host', port: 6379, username: 'user', password: 'a:b' }],
    ['redis://:p@ss@host', { host: 'host', port: 6379, password: 'p@ss' }],
    ['redis://user@host/', { host: 'host', port: 6379, username: 'user' }],
    ['rediss://host:6380', { host: 'host', port: 6380, tls: {} }],
    [
      'redis+sentinel://a:1,b,[::1]:3/fleet',
      {
        name: 'fleet',
        sentinels: [
          { host: 'a', port: 1 },
          { host: 'b', port: 26379 },
          { host: '::1', port: 3 },
        ],
      },
    ],
    [
      'rediss+sentinel://:pw@a/fleet/2',
      { name: 'fleet', sentinels: [{ host: 'a', port: 26379 }], password: 'pw', db: 2, tls: {} },
    ],
  ])('reads %s', (url, options) => {
    expect(parseRedisUrl(url).options).toEqual(options);
  });

  it('reads the certificate of the authority', async () => {
    const path = join(await temporaryDirectory(), 'ca.pem');
    await writeFile(path, 'a certificate');
    expect(parseRedisUrl(`rediss://host?ca=${path}`).options.tls).toEqual({
      ca: Buffer.from('a certificate'),
    });
    expect(refusal('rediss://host?ca=/no/such/file')).toMatch(/certificate.*\/no\/such\/file \(ENOENT\)/);
  });

  it('shows where it is without credentials', () => {
    expect(parseRedisUrl('redis://user:hunter2@host:1/2').shown).toBe('redis://host:1/2');
    expect(parseRedisUrl('rediss+sentinel://:hunter2@a,b/fleet').shown).toBe('rediss+sentinel://a,b/fleet');
  });

  it.each([
    '',
    'localhost:6379',
    'http://localhost',
    'redis://',
    'redis://:pw@',
    'redis://host:99999',
    'redis://host:0',
    'redis://host:port',
    'redis://a,b',
    'redis://host/one',
    'redis+sentinel://a,b',
    'redis+sentinel://a,,b/fleet',
    'redis+sentinel://a/fleet/x',
    'redis://:100%@host',
  ])('refuses %j, saying what is wrong', (url) => {
    expect(refusal(url)).toMatch(/^(must|has|names) /);
  });

  it.each([
    'redis://:hunter2/x@',
    'redis://:hunter2/x:99999',
    'redis://:hunter2?x@host',
    'redis://user:hunter2%zz@host',
    'redis://hunter2:99999999',
    'redis://:pw@host/hunter2',
    'hunter2',
  ])('keeps what may be a password out of the refusal of %s', (url) => {
    expect(refusal(url)).not.toContain('hunter2');
  });
});
