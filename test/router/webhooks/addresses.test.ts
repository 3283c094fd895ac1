import { describe, expect, it } from 'vitest';
import { mayCall, urlFault } from '../../../router/webhooks/receiver-address.ts';
import { retryAfter } from '../../../router/webhooks/sender.ts';

describe('addresses of receivers', () => {
  it.each([
    '169.254.169.254',
    '169.254.0.1',
    '::ffff:169.254.169.254',
    'fe80::1',
    'fd00:ec2::254',
    '100.100.100.200',
    '168.63.129.16',
    '0.0.0.0',
    '::',
    '255.255.255.255',
    '224.0.0.1',
    'ff02::1',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    '::169.254.169.254',
    'nonsense',
  ])('never are %s', (address) => {
    expect([mayCall(address, 'any'), mayCall(address, 'public')]).toEqual([false, false]);
  });

  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '192.168.1.1',
    '172.16.0.1',
    '::1',
    'fd12::1',
    '100.64.0.1',
    '::ffff:10.0.0.1',
  ])('are %s only where own networks are allowed', (address) => {
    expect([mayCall(address, 'any'), mayCall(address, 'public')]).toEqual([true, false]);
  });

  it.each(['8.8.8.8', '2606:4700::1111'])('are %s everywhere', (address) => {
    expect([mayCall(address, 'any'), mayCall(address, 'public')]).toEqual([true, true]);
  });
});

describe('URLs of webhooks', () => {
  it.each([
    ['https://example.com/hook?x=1', undefined],
    ['http://10.0.0.7:8080/', undefined],
    ['not a url', /must be a URL/],
    ['ftp://example.com/', /https/],
    ['file:///etc/passwd', /https/],
    ['https://user@example.com/', /user and password/],
    ['https://:secret@example.com/', /user and password/],
    ['https://example.com/#part', /fragment/],
    ['http://169.254.169.254/latest/meta-data', /no webhooks/],
    ['http://[fe80::1]/', /no webhooks/],
    ['http://[::ffff:a9fe:a9fe]/', /no webhooks/],
    ['http://2852039166/', /no webhooks/],
    ['http://0xa9.0xfe.0xa9.0xfe/', /no webhooks/],
    ['http://metadata.google.internal/', /metadata/],
    ['http://METADATA.google.internal./', /metadata/],
  ])('%s', (url, expected) => {
    const fault = urlFault(url, 'any');
    if (expected === undefined) expect(fault).toBeUndefined();
    else expect(fault).toMatch(expected);
  });

  it.each(['http://10.0.0.7/', 'http://127.0.0.1/', 'http://localhost:3000/', 'http://[::1]/'])(
    'refuses %s where only public ones are allowed',
    (url) => {
      expect(urlFault(url, 'public')).toBeDefined();
    },
  );
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-22T08:00:00Z');
  it.each([
    ['120', 120_000],
    ['0', 0],
    ['Sun, 22 Nov 2026 08:01:00 GMT', 60_000],
    ['Sun, 22 Nov 2026 07:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s is %s ms', (header, expected) => {
    expect(retryAfter(header, now)).toBe(expected);
  });
});
