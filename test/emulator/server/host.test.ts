import { cp, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../../emulator/context.ts';
import { spkiOf } from '../../../emulator/server/tls.ts';
import { testEmulator, texts } from './helpers.ts';

const ANNA = '491700000001';
const STRANGER = '491700000077';

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'wharf-emulator-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

interface Answer {
  status: number;
  body: Buffer;
  headers: Record<string, string | string[] | undefined>;
}

/** The hash of the key a server really shows. */
function shownSpki(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host: '127.0.0.1', port, rejectUnauthorized: false, servername: 'web.whatsapp.com' },
      () => {
        resolve(spkiOf(String(socket.getPeerX509Certificate())));
        socket.destroy();
      },
    );
    socket.on('error', reject);
  });
}

function https(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: Buffer; timeout?: number } = {},
) {
  return new Promise<Answer>((resolve, reject) => {
    const { method = 'GET', headers = {}, timeout = 20_000 } = options;
    const request = httpsRequest(
      { host: '127.0.0.1', port, path, method, headers, rejectUnauthorized: false, timeout },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks),
            headers: response.headers,
          }),
        );
      },
    );
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
    request.end(options.body);
  });
}

test('serves the page with its boot values, and the key it announces', async () => {
  const pageDirectory = await directory();
  await writeFile(
    join(pageDirectory, 'index.html'),
    '<html><!--boot--><script src="/page.js"></script></html>',
  );
  await writeFile(join(pageDirectory, 'page.js'), 'go()');
  const emulator = await testEmulator({ pageDirectory });
  await emulator.post('/config', {
    missing_modules: ['WAWeb</script>'],
    phones: { [ANNA]: { missing_modules: [] } },
  });
  const page = await https(emulator.httpsPort, '/?post_logout=1');
  expect(page.status).toBe(200);
  expect(await shownSpki(emulator.httpsPort)).toBe(emulator.spki);
  const boot = /<script>window\.wharfEmulatorBoot=(.*?)<\/script>/.exec(page.body.toString())?.[1] ?? '';
  expect(JSON.parse(boot)).toEqual({
    version: expect.stringMatching(/^2\.3000\.\d+$/),
    socketPath: '/ws',
    missingModules: ['WAWeb</script>'],
    phones: { [ANNA]: { missingModules: [] } },
  });
  const script = await https(emulator.httpsPort, '/page.js');
  expect(script.body.toString()).toBe('go()');
  const again = await https(emulator.httpsPort, '/page.js', {
    headers: { 'if-none-match': String(script.headers['etag']) },
  });
  expect(again.status).toBe(304);
});

test('says how to build the page when it is not built', async () => {
  const emulator = await testEmulator({ pageDirectory: await directory() });
  const page = await https(emulator.httpsPort, '/');
  expect(page.status).toBe(500);
  expect(page.body.toString()).toContain('scripts/build.mjs');
});

test('leaves the page unanswered, or blank, when told to', async () => {
  const emulator = await testEmulator({ faults: { page_never_loads: true } });
  await expect(https(emulator.httpsPort, '/', { timeout: 200 })).rejects.toThrow('no answer');
  await emulator.post('/config', { page_never_loads: 'blank' });
  expect((await https(emulator.httpsPort, '/')).body.toString()).not.toContain('script');
  expect(await emulator.logged('page', 2)).toMatchObject([{ never: true }, { never: true }]);
});

test('takes media from linked devices and gives it back to anybody who has its path', async () => {
  const emulator = await testEmulator();
  const device = await emulator.linked(ANNA);
  const { credentials } = device.profile;
  const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 256));
  const headers = { authorization: `${credentials?.device} ${credentials?.secret}` };
  const uploaded = await https(emulator.httpsPort, '/mms/image', { method: 'POST', headers, body: bytes });
  const { directPath, size } = JSON.parse(uploaded.body.toString());
  expect(size).toBe(bytes.length);
  expect((await https(emulator.httpsPort, directPath)).body.equals(bytes)).toBe(true);
  const refused = await https(emulator.httpsPort, '/mms/image', {
    method: 'POST',
    headers: { authorization: 'x y' },
    body: bytes,
  });
  expect(refused.status).toBe(401);
  for (const path of ['/mms/image/nothing', '/mms/image/..%2f..%2fetc%2fpasswd', '/mms/']) {
    expect((await https(emulator.httpsPort, path)).status).toBe(404);
  }
});

test('finds accounts, queues, media and its key again after a restart', async () => {
  const data = await directory();
  const first = await testEmulator({ data });
  const device = await first.linked(ANNA);
  await device.send(`${STRANGER}@c.us`, { type: 'chat', body: 'before' }, 'AAAA');
  await device.disconnect();
  await first.logged('disconnect', 2);
  await first.post('/deliver', { phone: ANNA, from: STRANGER, body: 'while away' });
  const { id } = await first.post('/deliver', {
    phone: ANNA,
    from: STRANGER,
    data: 'aGVsbG8=',
    mimetype: 'image/png',
  });
  await first.close();
  expect((await stat(data)).mode & 0o077).toBe(0);
  const second = await testEmulator({ data });
  expect(second.spki).toBe(first.spki);
  const again = second.device({ profile: device.profile });
  await again.connect();
  await again.until('live');
  expect(texts(again)).toEqual(['before', 'while away']);
  const content = again.profile.messages.get(id)?.message.content;
  const path = content !== undefined && 'directPath' in content ? content.directPath : '';
  expect((await https(second.httpsPort, path)).body.toString()).toBe('hello');
  expect((await second.get('/sent')).sent).toMatchObject([{ id: 'AAAA', attempts: 1, ack: 2 }]);
  expect((await second.get('/state')).totals.rollbacks).toBe(0);
});

test('an account linked just before a kill is known afterwards, and nothing new is taken for a repeat', async () => {
  const data = await directory();
  const first = await testEmulator({ data });
  const device = await first.linked(ANNA);
  // What a kill leaves: the state as it was when /scan answered. The first emulator goes on and is never asked to save.
  const killed = await directory();
  await cp(data, killed, { recursive: true });
  await first.post('/deliver', { phone: ANNA, from: STRANGER, body: 'after the last save' });
  await device.when(() => texts(device).length === 1);
  await device.disconnect();
  const second = await testEmulator({ data: killed });
  const again = second.device({ profile: device.profile });
  await again.connect();
  await again.until('live');
  await second.post('/deliver', { phone: ANNA, from: STRANGER, body: 'after the kill' });
  await again.when(() => texts(again).includes('after the kill'));
});

test('refuses a data directory with something else in it', async () => {
  const data = await directory();
  await writeFile(join(data, 'accounts.json'), '{"version":7}');
  await expect(startEmulator({ data })).rejects.toThrow(
    /accounts\.json cannot be used.*version.*Remove the file/s,
  );
});

test('says that a port is taken, and leaves nothing open', async () => {
  const blocker = createServer();
  await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => blocker.close(() => resolve())));
  const { port } = blocker.address() as AddressInfo;
  await expect(startEmulator({ port })).rejects.toThrow(`Port ${port} is taken`);
  await expect(startEmulator({ controlPort: port })).rejects.toMatchObject({ code: 'port_taken' });
});

test('holds a request for the log until something happens', async () => {
  const emulator = await testEmulator();
  const { last_id } = await emulator.get('/log');
  const waiting = emulator.get(`/log?event=register&after=${last_id}&wait=20`);
  await emulator.device().connect();
  expect((await waiting).log).toMatchObject([
    { event: 'register', platform: '1', id: expect.any(Number), mono_ms: expect.any(Number) },
  ]);
});

test('keeps the last entries of the log only, and says when some are forgotten', async () => {
  const emulator = await testEmulator({ logCapacity: 10 });
  for (let round = 0; round < 12; round += 1) await emulator.post('/config', { qr_refs: 6 });
  const { log, truncated, last_id } = await emulator.get('/log');
  expect(log.map((entry: { id: number }) => entry.id)).toEqual(
    Array.from({ length: 10 }, (_, index) => last_id - 9 + index),
  );
  expect(truncated).toBe(true);
  expect((await emulator.get(`/log?after=${last_id - 3}`)).log).toHaveLength(3);
});

test('tells no secret in state, log or config', async () => {
  const emulator = await testEmulator();
  const device = await emulator.linked(ANNA);
  await emulator.post('/deliver', { phone: ANNA, from: STRANGER, body: 'do-not-log-me' });
  const secret = device.profile.credentials?.secret ?? '';
  for (const path of ['/state', '/log', '/config', '/connections']) {
    const text = JSON.stringify(await emulator.get(path));
    expect(text).not.toContain(secret);
    expect(text).not.toContain('do-not-log-me');
  }
});
