import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { eventually } from '../../helpers/eventually.ts';
import { ADMIN_KEY, startFleet, type TestFleet, type Told } from '../../helpers/router.ts';

const MEDIA = '/api/whatsapp/media';
const MB = 1024 * 1024;

let fleet: TestFleet;
/** A key of workspace 7, and one of workspace 8. */
let seven: string;
let eight: string;

beforeAll(async () => {
  fleet = await startFleet();
  const keyOf = async (workspace_id: number): Promise<string> =>
    (await fleet.ask('POST', '/api/fleet/keys', { body: { workspace_id } })).json.key;
  seven = await keyOf(7);
  eight = await keyOf(8);
});
afterAll(() => fleet.close());

/** Everything of workspace 7 on the disk. */
const names = () => readdir(new SessionPaths(fleet.sessionPath).media('7')).catch(() => []);

async function upload(bytes: Buffer, headers: Record<string, string> = {}, key = seven, query = '') {
  const response = await fetch(`${fleet.url}${MEDIA}${query}`, {
    method: 'POST',
    body: new Uint8Array(bytes),
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'image/png', ...headers },
  });
  const json: Told['json'] = await response.json();
  return { status: response.status, json };
}

async function get(path: string, headers: Record<string, string> = {}, key: string | null = seven) {
  const response = await fetch(fleet.url + path, {
    headers: { ...(key === null ? {} : { Authorization: `Bearer ${key}` }), ...headers },
  });
  return {
    status: response.status,
    headers: response.headers,
    bytes: Buffer.from(await response.arrayBuffer()),
  };
}

describe('an upload', () => {
  it('is kept and given back as it was', async () => {
    const bytes = randomBytes(3 * MB);
    const { status, json } = await upload(bytes, { 'X-Filename': encodeURIComponent('Käse "1".png') });
    expect(status).toBe(201);
    expect(json).toEqual({
      media_id: expect.stringMatching(/^med_[0-9a-f]{32}$/),
      mimetype: 'image/png',
      filename: 'Käse "1".png',
      size: 3 * MB,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      expires_at: expect.stringMatching(/Z$/),
    });
    const kept = Date.parse(json.expires_at) - Date.now();
    expect(kept).toBeGreaterThan(6.9 * 86_400_000);
    expect(kept).toBeLessThan(7.1 * 86_400_000);
    const back = await get(`${MEDIA}/${json.media_id}`);
    expect(back.status).toBe(200);
    expect(back.bytes.equals(bytes)).toBe(true);
    expect(Object.fromEntries(back.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(3 * MB),
      'content-disposition': `inline; filename="K_se _1_.png"; filename*=UTF-8''K%C3%A4se%20%221%22.png`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
      'accept-ranges': 'bytes',
    });
  });

  it.each(['text/html', 'image/svg+xml', 'application/pdf', 'application/javascript'])(
    'of %s is never shown by our origin, only downloaded',
    async (type) => {
      const { json } = await upload(Buffer.from('<script>alert(1)</script>'), { 'Content-Type': type });
      const { headers } = await get(`${MEDIA}/${json.media_id}`);
      expect(headers.get('content-type')).toBe(type);
      expect(headers.get('content-disposition')).toBe('attachment');
      expect(headers.get('content-security-policy')).toContain('sandbox');
    },
  );

  it.each([
    [{ 'Content-Disposition': 'attachment; filename="a \\"b\\".pdf"' }, 'a "b".pdf'],
    [{ 'Content-Disposition': "attachment; filename=x.pdf; filename*=UTF-8''%C3%A4.pdf" }, 'ä.pdf'],
    [{ 'Content-Disposition': 'attachment; filename=x.pdf' }, 'x.pdf'],
    [{ 'Content-Disposition': 'inline' }, null],
    [{}, null],
  ])('takes its name from %j', async (headers, filename) => {
    expect((await upload(Buffer.from('x'), headers as Record<string, string>)).json).toMatchObject({
      filename,
    });
  });

  it.each([
    ['no type', { 'Content-Type': '' }, 415],
    ['a form', { 'Content-Type': 'multipart/form-data; boundary=x' }, 415],
    ['a type of another form', { 'Content-Type': 'picture' }, 415],
    ['a compressed body', { 'Content-Encoding': 'gzip' }, 415],
    ['a name with a path', { 'X-Filename': '../../etc/passwd' }, 400],
    ['a name that is not encoded', { 'X-Filename': '%E0%A4%A' }, 400],
    ['a name with a line break', { 'X-Filename': 'a%0d%0aSet-Cookie: x' }, 400],
    ['a digest of another form', { 'Content-Digest': 'md5=:AAAA:' }, 400],
    ['another hash', { 'Content-Digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` }, 400],
  ])('with %s is refused, and nothing of it stays', async (_what, headers, status) => {
    const before = await names();
    expect((await upload(Buffer.from('x'), headers as Record<string, string>)).status).toBe(status);
    expect(await names()).toEqual(before);
  });

  it('with nothing in it is refused', async () => {
    expect((await upload(Buffer.alloc(0))).json).toMatchObject({ code: 'invalid_request' });
  });

  it('is taken where its digest is right', async () => {
    const bytes = randomBytes(100);
    const digest = createHash('sha256').update(bytes).digest('base64');
    expect((await upload(bytes, { 'Content-Digest': `sha-256=:${digest}:` })).status).toBe(201);
  });

  it('over the limit of its type is refused, announced or not, and nothing of it stays', async () => {
    const before = await names();
    const large = Buffer.alloc(16 * MB + 1);
    expect((await upload(large)).json).toMatchObject({ status: 413, code: 'payload_too_large' });
    // In chunks, with no length said before.
    const chunks = new ReadableStream({
      start(controller) {
        for (let part = 0; part < 17; part += 1) controller.enqueue(new Uint8Array(MB));
        controller.close();
      },
    });
    const response = await fetch(`${fleet.url}${MEDIA}`, {
      method: 'POST',
      body: chunks,
      headers: { Authorization: `Bearer ${seven}`, 'Content-Type': 'video/mp4' },
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(413);
    expect(await names()).toEqual(before);
    expect((await upload(large, { 'Content-Type': 'application/pdf' })).status).toBe(201);
  });

  it('that breaks off leaves nothing', async () => {
    const before = await names();
    const sending = request(`${fleet.url}${MEDIA}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${seven}`, 'Content-Type': 'image/png', 'Content-Length': MB },
    });
    sending.on('error', () => {});
    sending.write(Buffer.alloc(MB / 2));
    await eventually(async () => (await names()).length > before.length);
    sending.destroy();
    await eventually(async () => (await names()).length === before.length);
  });
});

describe('a file', () => {
  it("is its workspace's alone", async () => {
    const { json } = await upload(Buffer.from('secret'));
    const path = `${MEDIA}/${json.media_id}`;
    for (const ask of [
      () => get(path, {}, eight),
      () => get(`${path}?workspace_id=7`, {}, eight),
      () => get(`${path}?workspace_id=8`, {}, seven),
      () => get(`${path}?workspace_id=8`, {}, ADMIN_KEY),
    ]) {
      expect((await ask()).status).toBe(404);
    }
    expect((await get(path, {}, null)).status).toBe(401);
    expect((await get(path, {}, ADMIN_KEY)).status).toBe(400);
    expect((await get(`${path}?workspace_id=7`, {}, ADMIN_KEY)).bytes.toString()).toBe('secret');
    const link = await fleet.ask('POST', `${path}/link`, { key: eight, body: {} });
    expect(link.status).toBe(404);
    const removed = await fleet.ask('DELETE', path, { key: eight });
    expect(removed.json).toEqual({ removed: false });
    expect((await get(path)).status).toBe(200);
  });

  it('of another workspace cannot be sent', async () => {
    const { json } = await upload(Buffer.from('secret'));
    await fleet.addInstance('instance-1');
    await fleet.addInstance('instance-2');
    await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 8, session_id: 'main' } });
    const sent = await fleet.ask('POST', '/api/whatsapp/sessions/main/messages', {
      key: eight,
      body: { to: '491701234567', media: { media_id: json.media_id } },
    });
    expect(sent.json).toMatchObject({ status: 404, code: 'media_not_found' });
  });

  it('is removed', async () => {
    const { json } = await upload(Buffer.from('x'));
    const path = `${MEDIA}/${json.media_id}`;
    expect((await fleet.ask('DELETE', path, { key: seven })).json).toEqual({ removed: true });
    expect((await fleet.ask('DELETE', path, { key: seven })).json).toEqual({ removed: false });
    expect((await get(path)).status).toBe(404);
  });

  it('is given in parts, and not again to who has it', async () => {
    const bytes = randomBytes(1000);
    const { json } = await upload(bytes);
    const path = `${MEDIA}/${json.media_id}`;
    for (const [range, first, last] of [
      ['bytes=0-99', 0, 99],
      ['bytes=900-', 900, 999],
      ['bytes=-10', 990, 999],
      ['bytes=500-5000', 500, 999],
    ] as const) {
      const part = await get(path, { Range: range });
      expect(part.status).toBe(206);
      expect(part.headers.get('content-range')).toBe(`bytes ${first}-${last}/1000`);
      expect(part.bytes.equals(bytes.subarray(first, last + 1))).toBe(true);
    }
    for (const range of ['bytes=1000-', 'bytes=-0']) {
      const none = await get(path, { Range: range });
      expect([none.status, none.headers.get('content-range')]).toEqual([416, 'bytes */1000']);
    }
    for (const range of ['bytes=5-2', 'bytes=0-1,4-5', 'lines=1-2', 'bytes=-'])
      expect((await get(path, { Range: range })).status).toBe(200);
    const etag = String((await get(path)).headers.get('etag'));
    expect((await get(path, { 'If-None-Match': etag })).status).toBe(304);
    expect((await get(path, { Range: 'bytes=0-1', 'If-Range': '"another"' })).status).toBe(200);
    const head = await fetch(fleet.url + path, { method: 'HEAD', headers: { 'X-Api-Key': seven } });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '1000']);
  });

  it.each(['..%2f..%2ffleet%2finternal-token', 'med_0', 'med_..%2f'])(
    'cannot be asked for by the name %s',
    async (id) => expect((await get(`${MEDIA}/${id}`)).status).toBe(400),
  );
});

describe('a link', () => {
  const linkTo = async (id: string, body: object = {}) =>
    await fleet.ask('POST', `${MEDIA}/${id}/link`, { key: seven, body });

  it('hands its file out with no key, and nothing else', async () => {
    const { json } = await upload(Buffer.from('shared'));
    const other = await upload(Buffer.from('secret'));
    const link = await linkTo(json.media_id, { expires_in: 60 });
    expect(link.status).toBe(201);
    const { url, expires_at } = link.json;
    expect(Math.abs(Date.parse(expires_at) - Date.now() - 60_000)).toBeLessThan(20_000);
    const shared = await get(url, {}, null);
    expect([shared.status, shared.bytes.toString()]).toEqual([200, 'shared']);
    expect((await get(url, { Range: 'bytes=0-0' }, null)).status).toBe(206);
    for (const changed of [
      url.replace(json.media_id, other.json.media_id),
      url.replace('workspace_id=7', 'workspace_id=8'),
      url.replace(/expires=\d+/, 'expires=9999999999'),
      url.replace(/signature=.{4}/, 'signature=AAAA'),
    ]) {
      expect(changed).not.toBe(url);
      expect((await get(changed, {}, null)).status).toBe(403);
    }
    expect((await get(url.replace(/&signature=.*/, ''), {}, null)).status).toBe(400);
  });

  it('is made for a time of a second to a week, and for what is there', async () => {
    const { json } = await upload(Buffer.from('x'));
    for (const expires_in of [0, 604_801, 1.5, '60'])
      expect((await linkTo(json.media_id, { expires_in })).status).toBe(400);
    expect((await linkTo(`med_${'0'.repeat(32)}`)).status).toBe(404);
  });
});
