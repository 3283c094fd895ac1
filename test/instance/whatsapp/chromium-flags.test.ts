import { describe, expect, it } from 'vitest';
import { proxySchema } from '../../../fleet/records.ts';
import { chromiumFlags, proxyCredentials } from '../../../instance/whatsapp/chromium-flags.ts';

const OPTIONS = { sandbox: true, webResolve: null, webSpki: null, proxy: null };

describe("a browser's flags", () => {
  it('leave the sandbox and the certificates alone, unless told otherwise', () => {
    const flags = chromiumFlags(OPTIONS).join(' ');
    expect(flags).not.toMatch(/no-sandbox|certificate|host-resolver|proxy-server/);
    expect(chromiumFlags({ ...OPTIONS, sandbox: false })).toContain('--no-sandbox');
  });

  it('lead to the stand-in and nowhere else', () => {
    const flags = chromiumFlags({ ...OPTIONS, webResolve: '127.0.0.1:8443', webSpki: 'YWJj' });
    expect(flags).toContain(
      '--host-resolver-rules=MAP web.whatsapp.com:443 127.0.0.1:8443, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    );
    expect(flags).toContain('--ignore-certificate-errors-spki-list=YWJj');
  });

  it.each([
    ['http://proxy:8080', 'http://proxy:8080', undefined],
    ['socks5://user:hunter2@proxy:1080', 'socks5://proxy:1080', { username: 'user', password: 'hunter2' }],
    ['http://us%40er:hun%3Ater2@proxy', 'http://proxy', { username: 'us@er', password: 'hun:ter2' }],
    ['http://user@proxy', 'http://proxy', { username: 'user', password: '' }],
  ])('show of the proxy %s %s, where every process can read them', (proxy, shown, credentials) => {
    expect(proxySchema.parse(proxy)).toBe(proxy);
    expect(chromiumFlags({ ...OPTIONS, proxy })).toContain(`--proxy-server=${shown}`);
    expect(proxyCredentials(proxy)).toEqual(credentials);
  });

  it.each([
    'proxy:8080',
    'ftp://proxy',
    'http://',
    'http://proxy/path',
    'http://a b',
    'http://user:hunt@er2@proxy',
    'http://user:100%@proxy',
    'http://user:%C3@proxy',
    'http://proxy --no-sandbox',
    `http://${'x'.repeat(500)}`,
  ])('are not made of the proxy %s', (proxy) => {
    expect(proxySchema.safeParse(proxy).success).toBe(false);
  });
});
