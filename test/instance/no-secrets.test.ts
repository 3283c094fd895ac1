import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../../common/logger.ts';
import { ADOPT_HEADER, INTERNAL_TOKEN_HEADER } from '../../fleet/instance-api.ts';
import type { OutgoingMessage } from '../../fleet/messages.ts';
import { instanceConfig } from '../../instance/config.ts';
import { startInstance } from '../../instance/context.ts';
import { EmulatedWhatsApp } from '../helpers/emulated-whatsapp.ts';
import { eventually } from '../helpers/eventually.ts';
import { InProcessSupervisor } from '../helpers/in-process-supervisor.ts';
import { startRedis } from '../helpers/redis.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';
import { TestQueues } from '../helpers/test-queues.ts';

const PHONE = '491701000077';
const FRIEND = '491701000078';

describe('the log of an instance, at its most talkative', () => {
  it('holds no token, QR, pairing code, proxy password or word of a message, whatever is done and whatever fails', async () => {
    const root = await temporaryDirectory();
    const redis = await startRedis();
    onTestFinished(() => redis.close());
    const whatsapp = await EmulatedWhatsApp.start();
    onTestFinished(() => whatsapp.close());
    const lines: string[] = [];
    const log = createLogger('trace', {}, { write: (line) => lines.push(line) });
    const instance = await startInstance(
      instanceConfig({
        INSTANCE_ID: 'instance-1',
        PORT: '0',
        WHATSAPP_SESSION_PATH: root,
        REDIS_URL: redis.url,
        WHATSAPP_WEB_RESOLVE: `127.0.0.1:${whatsapp.emulator.httpsPort}`,
        WHATSAPP_WEB_SPKI: whatsapp.emulator.spki,
        LOG_LEVEL: 'trace',
      }),
      {},
      log,
      { channel: new InProcessSupervisor(root) },
    );
    onTestFinished(async () => {
      await instance.close();
    });
    const token = (await readFile(join(root, 'fleet', 'internal-token'), 'utf8')).trim();
    const ask = async (method: string, path: string, body?: unknown) => {
      const answer = await fetch(`${instance.url}/workspaces/7/sessions/${path}`, {
        method,
        headers: {
          [INTERNAL_TOKEN_HEADER]: token,
          [ADOPT_HEADER]: 'first',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    };
    const until = (session: string, status: string) =>
      eventually(async () => (await ask('GET', session)).body['status'] === status);

    await ask('PUT', 'main', {});
    const qr = String((await ask('GET', 'main/qr?wait=20')).body['qr']);
    await whatsapp.post('/scan', { qr, phone: PHONE });
    await until('main', 'ready');

    const sends = [
      { text: 'plain-secret-text' },
      {
        media: {
          data: Buffer.from('secret-picture').toString('base64'),
          mimetype: 'image/png',
          filename: 'secret-name.png',
        },
        caption: 'secret-caption',
      },
      { location: { latitude: 52.123456, longitude: 13.654321, name: 'secret-place' } },
      { poll: { question: 'secret-question', options: ['secret-one', 'secret-two'] } },
      { contact: { name: 'secret-contact', phone_number: '491701000079' } },
    ];
    const queues = await TestQueues.open(redis.url);
    onTestFinished(queues.close);
    const send = (content: object) =>
      queues.accept({
        workspace_id: '7',
        session_id: 'main',
        message: { to: `${FRIEND}@c.us`, ...content } as OutgoingMessage,
      });
    const sent = (await Promise.all(sends.map(send))).flat();
    expect((await queues.ended(sent)).filter(({ sent_at }) => sent_at === null)).toEqual([]);
    await whatsapp.post('/deliver', { phone: PHONE, from: FRIEND, body: 'secret-incoming' });
    await eventually(
      async () => (await ask('GET', `main/chats/${FRIEND}@c.us/messages`)).body['messages'] !== undefined,
    );

    // What fails: a reply to nothing, media that may not be fetched, JSON cut short, fields there are none of.
    const failing = [
      { text: 'secret-reply', reply_to: `true_${FRIEND}@c.us_ABC` },
      {
        media: {
          url: 'http://user:secret-user@127.0.0.1/x?signature=secret-signature',
          mimetype: 'image/png',
        },
      },
    ];
    const failed = await queues.ended((await Promise.all(failing.map(send))).flat());
    expect(failed.map(({ error }) => error?.code)).toEqual(['message_not_found', 'media_refused']);
    await ask('POST', 'main/pairing-code', '{"phone_number":"1","text":"secret-broken');
    await ask('PUT', 'extra', { 'secret-field': 'secret-extra' });
    await fetch(`${instance.url}/workspaces/7/sessions/main`, {
      headers: { [INTERNAL_TOKEN_HEADER]: 'secret-guess' },
    });

    await ask('PUT', 'paired', {});
    await ask('GET', 'paired/qr?wait=20');
    const pairing = await ask('POST', 'paired/pairing-code', { phone_number: '491701000080' });
    const code = String(pairing.body['code']);
    expect(code).toMatch(/^[A-Z0-9]{8}$/);
    await ask('PUT', 'proxied', { proxy: 'http://user:secret-proxy@127.0.0.1:9' });
    await ask('DELETE', 'proxied');
    await ask('POST', 'main/logout');
    await instance.close();

    const text = lines.join('');
    expect(text).toContain('"to":"ready"');
    expect(text).toContain('answered');
    const secrets = [
      token,
      qr,
      ...qr.split(',').filter((part) => part.length > 15),
      code,
      `${code.slice(0, 4)}-${code.slice(4)}`,
      'secret-',
      Buffer.from('secret-picture').toString('base64'),
      '52.123456',
      '13.654321',
    ];
    for (const secret of secrets) {
      const line = lines.find((one) => one.includes(secret));
      expect(line, `a line with ${secret}`).toBeUndefined();
    }
  }, 90_000);
});
