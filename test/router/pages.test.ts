import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFleet, type TestFleet } from '../helpers/router.ts';

let fleet: TestFleet;
let webDirectory: string;
let url: string;

beforeAll(async () => {
  fleet = await startFleet();
  webDirectory = await mkdtemp(join(tmpdir(), 'wharf-web-'));
  await writeFile(join(webDirectory, 'index.html'), '<!doctype html><title>page</title>');
  await writeFile(join(webDirectory, 'app.js'), 'void 0;');
  await writeFile(join(webDirectory, '.secret'), 'no');
  url = (await fleet.addRouter({}, { webDirectory })).server.url;
});
afterAll(async () => {
  await fleet.close();
  await rm(webDirectory, { recursive: true, force: true });
});

const open = (path: string, headers = {}) => fleet.ask('GET', path, { key: null, url, headers });

describe('the open paths', () => {
  it.each([
    '/health',
    '/ready',
    '/metrics',
    '/openapi.json',
    '/docs',
    '/docs/start.js',
    '/docs/swagger-ui.css',
    '/',
  ])('%s asks for no key', async (path) => {
    const answer = await open(path);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('x-powered-by')).toBeNull();
  });

  it('count requests by route and never by id', async () => {
    await fleet.ask('GET', '/api/whatsapp/sessions/some-session-id', { url });
    const { text } = await open('/metrics');
    expect(text).toContain('route="GET /api/whatsapp/sessions/:session_id"');
    expect(text).not.toContain('some-session-id');
    expect(text).toMatch(/wharf_router_redis_up 1/);
  });

  it('answer an unknown path with a problem document', async () => {
    const answer = await open('/nothing/here');
    expect([answer.status, answer.json.code]).toEqual([404, 'not_found']);
  });
});

describe('the web page', () => {
  it('comes under a policy that allows its own files only, and is asked for anew', async () => {
    const page = await open('/');
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(page.headers.get('cache-control')).toBe('no-cache');
    // fetch asks caches in between to look again by itself; a browser that has the page asks like this.
    const asked = get(url, { headers: { 'If-None-Match': page.headers.get('etag') ?? '' } });
    const [again] = await once(asked, 'response');
    again.resume();
    expect(again.statusCode).toBe(304);
  });

  it.each(['/.secret', '/..%2f..%2fetc/passwd', '/%2e%2e/package.json', '/app.js%00'])(
    'gives nothing else away: %s',
    async (path) => {
      expect([400, 404]).toContain((await open(path)).status);
    },
  );
});

describe('the API browser', () => {
  it('has no inline script and names no other host', async () => {
    const { text, headers } = await open('/docs');
    expect(text).not.toMatch(/<script(?![^>]*src=)/);
    expect(text).not.toMatch(/https?:\/\//);
    expect(headers.get('content-security-policy')).toContain("script-src 'self'");
  });
});

describe('the description of the API', () => {
  it('is OpenAPI 3.1 and tells of every path of the interface', async () => {
    const { json } = await open('/openapi.json');
    expect(json.openapi).toBe('3.1.0');
    const told = Object.entries(json.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const session = '/api/whatsapp/sessions/{session_id}';
    expect(told).toEqual(
      expect.arrayContaining([
        'POST /api/whatsapp/sessions',
        'GET /api/whatsapp/sessions',
        `GET ${session}`,
        `DELETE ${session}`,
        `GET ${session}/qr`,
        `POST ${session}/pairing-code`,
        `POST ${session}/start`,
        `POST ${session}/stop`,
        `POST ${session}/restart`,
        `POST ${session}/logout`,
        `POST ${session}/messages`,
        'POST /api/whatsapp/messages/bulk',
        'GET /api/whatsapp/messages/{message_id}',
        'DELETE /api/whatsapp/messages/{message_id}',
        `GET ${session}/chats`,
        `GET ${session}/contacts`,
        `GET ${session}/chats/{chat_id}/messages`,
        `GET ${session}/numbers/{phone}`,
        'POST /api/whatsapp/sessions/create',
        'POST /api/whatsapp/messages/send',
        'GET /api/whatsapp/metrics',
        'GET /api/fleet',
        'GET /api/fleet/workspaces/{workspace_id}',
        'POST /api/fleet/keys',
        'GET /health',
        'GET /ready',
        'GET /metrics',
      ]),
    );
  });

  it('has a name of its own for each operation, and every reference leads somewhere', async () => {
    const { json, text } = await open('/openapi.json');
    const ids = Object.values(json.paths as Record<string, Record<string, { operationId: string }>>).flatMap(
      (methods) => Object.values(methods).map((operation) => operation.operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
    const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(
      (match) => match[1],
    );
    expect(references.length).toBeGreaterThan(10);
    for (const name of references) expect(Object.keys(json.components.schemas)).toContain(name);
  });

  it('shows the headers that a request may have', async () => {
    const { json } = await open('/openapi.json');
    const { parameters } = json.paths['/api/whatsapp/sessions/{session_id}/messages'].post;
    expect(parameters).toContainEqual(expect.objectContaining({ in: 'header', name: 'Idempotency-Key' }));
  });

  it('shows the shapes of a message, though the check picks among them by itself', async () => {
    const { json } = await open('/openapi.json');
    const body =
      json.paths['/api/whatsapp/sessions/{session_id}/messages'].post.requestBody.content['application/json']
        .schema;
    expect(JSON.stringify([body, json.components.schemas.OutgoingMessage])).toContain('latitude');
  });
});
