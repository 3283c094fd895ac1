import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { dnsResolver, type Resolve } from '../../../common/resolver.ts';
import { type Outcome, Sender } from '../../../router/webhooks/sender.ts';
import { newSecret, sign } from '../../../router/webhooks/signature.ts';
import { eventually } from '../../helpers/eventually.ts';
import { freePort } from '../../helpers/redis.ts';
import { startDesk } from './desk.ts';
import { startRawServer, startReceiver } from './receiver.ts';

interface SendOptions {
  timeout?: number;
  resolve?: Resolve;
  policy?: 'any' | 'public';
}

/** One request, and what came of it. */
async function send(url: string, options: SendOptions = {}): Promise<Outcome> {
  const sender = new Sender({
    policy: options.policy ?? 'any',
    timeout: options.timeout ?? 20_000,
    connections: 2,
    resolve: options.resolve ?? dnsResolver(),
    clock: systemClock,
  });
  const body = '{"id":"evt_1"}';
  const signature = sign('evt_1', Date.now(), body, [newSecret()]);
  try {
    return await sender.send({ url, body, signature }, new AbortController().signal);
  } finally {
    await sender.close();
  }
}

/** A behaviour that answers by itself. */
const answering = (answer: (response: ServerResponse) => void) => (_: unknown, response: ServerResponse) => {
  answer(response);
  return undefined;
};

describe('a receiver', () => {
  it.each([200, 201, 202, 204, 299])('that answers %i has taken the event', async (status) => {
    const receiver = await startReceiver(() => status);
    expect(await send(receiver.url)).toMatchObject({ kind: 'taken', status });
  });

  it.each([400, 401, 404, 500, 502, 503])('that answers %i has not', async (status) => {
    const receiver = await startReceiver(() => status);
    const reason = `it answered ${status}`;
    expect(await send(receiver.url)).toMatchObject({ kind: 'refused', status, reason });
  });

  it.each([301, 302, 303, 307, 308])('that redirects with %i is not followed', async (status) => {
    const other = await startReceiver();
    const receiver = await startReceiver(
      answering((response) => response.writeHead(status, { Location: other.url }).end()),
    );
    const outcome = await send(receiver.url);
    expect(outcome).toMatchObject({ kind: 'refused', status });
    expect(outcome).toHaveProperty('reason', expect.stringMatching(/redirect.*not followed.*final URL/));
    expect(other.all).toEqual([]);
  });

  it('that is down is named as such', async () => {
    const outcome = await send(`http://127.0.0.1:${await freePort()}/`);
    expect(outcome).toMatchObject({ kind: 'failed', status: null, reason: expect.stringMatching(/refused/) });
  });

  it('that never answers is given up after the time for an answer', async () => {
    const receiver = await startReceiver(answering(() => {}));
    const outcome = await send(receiver.url, { timeout: 200 });
    expect(outcome).toMatchObject({ kind: 'failed', reason: 'no whole answer within 200 ms' });
    await eventually(() => receiver.open === 0);
  });

  it('that drips its answer is given up too, whatever its status', async () => {
    const receiver = await startReceiver(
      answering((response) => {
        response.writeHead(200, { 'Content-Length': '10000' });
        const drip = setInterval(() => response.write('.'), 10);
        response.on('close', () => clearInterval(drip));
      }),
    );
    const outcome = await send(receiver.url, { timeout: 300 });
    expect(outcome).toMatchObject({ kind: 'failed', status: 200, reason: 'no whole answer within 300 ms' });
    await eventually(() => receiver.open === 0);
  });

  it('that closes half-way has not taken the event', async () => {
    const receiver = await startReceiver(
      answering((response) => {
        response.writeHead(200, { 'Content-Length': '10000' });
        response.write('the beginning', () => response.destroy());
      }),
    );
    const outcome = await send(receiver.url);
    expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/closed the connection/) });
  });

  it('that closes without a word has not taken it either', async () => {
    const receiver = await startReceiver(answering((response) => response.destroy()));
    const outcome = await send(receiver.url);
    expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/closed the connection/) });
  });

  it.each(['SSH-2.0-OpenSSH_9.2\r\n', '\u0000\u0001\u0002', 'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n'])(
    'that answers garbage has not taken it: %j',
    async (garbage) => {
      const outcome = await send(await startRawServer(garbage));
      expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/not HTTP/) });
    },
  );

  it('that answers a gigabyte is cut off after 64 KB', async () => {
    let wrote = 0;
    const receiver = await startReceiver(
      answering((response) => {
        response.writeHead(200, { 'Content-Length': String(2 ** 30) });
        const chunk = Buffer.alloc(64 * 1024);
        const more = () => {
          while (!response.destroyed && wrote < 2 ** 30) {
            wrote += chunk.length;
            if (!response.write(chunk)) return response.once('drain', more);
          }
          return undefined;
        };
        more();
      }),
    );
    expect(await send(receiver.url)).toMatchObject({ kind: 'taken', status: 200 });
    await eventually(() => receiver.open === 0);
    expect(wrote).toBeLessThan(2 ** 26);
  });

  it('with headers without end has not taken it', async () => {
    const url = await startRawServer(`HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(10_000)}\r\n`);
    expect(await send(url)).toMatchObject({ kind: 'failed' });
  });

  it.each([
    ['ENOTFOUND', /not known to DNS/],
    ['ETIMEOUT', /DNS did not answer/],
    ['ESERVFAIL', /DNS failed/],
  ])('whose name fails with %s is told apart', async (code, reason) => {
    const resolve = async () => {
      throw Object.assign(new Error('query failed'), { code });
    };
    const outcome = await send('http://shop.example/', { resolve });
    expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringMatching(reason) });
  });

  it.each(['169.254.169.254', 'fe80::1', 'fd00:ec2::254'])(
    'whose name leads to %s is not called',
    async (address) => {
      const family = address.includes(':') ? 6 : 4;
      const resolve = async () => [
        { address: '127.0.0.1', family: 4 },
        { address, family },
      ];
      const outcome = await send('http://shop.example/', { resolve });
      expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringContaining('gets no webhooks') });
    },
  );

  it('on an own network is not called where only public ones may be', async () => {
    const receiver = await startReceiver();
    const { port } = new URL(receiver.url);
    const resolve = async () => [{ address: '127.0.0.1', family: 4 }];
    for (const url of [`http://shop.example:${port}/`, receiver.url, `http://localhost:${port}/`])
      expect(await send(url, { resolve, policy: 'public' })).toMatchObject({ kind: 'failed' });
    expect(receiver.all).toEqual([]);
    expect(await send(`http://shop.example:${port}/`, { resolve })).toMatchObject({ kind: 'taken' });
  });
});

describe('a receiver that answers 410', () => {
  it('is disabled, and goes on from there when it is enabled', async () => {
    const desk = await startDesk();
    const receiver = await startReceiver(() => (receiver.all.length === 3 ? 410 : 200));
    await desk.webhooks.set('7', { url: receiver.url, events: ['*'] });
    const ids = await desk.append('7', 'sales', 6);
    const disabled = async () => (await desk.webhooks.view('7')).record.disabled;
    await eventually(async () => (await disabled()) !== null);
    expect(await disabled()).toMatchObject({ reason: 'its receiver answered 410 Gone' });
    ids.push(...(await desk.append('7', 'sales', 2)));
    expect(receiver.all).toHaveLength(3);
    await desk.webhooks.enable('7');
    await eventually(() => receiver.taken.length === 8);
    expect(receiver.ids).toEqual(ids);
  });

  it('is not disabled where the address was changed meanwhile', async () => {
    const desk = await startDesk();
    const next = await startReceiver();
    const old = await startReceiver(async () => {
      await desk.webhooks.set('7', { url: next.url, events: ['*'] });
      return 410;
    });
    await desk.webhooks.set('7', { url: old.url, events: ['*'] });
    const ids = await desk.append('7', 'sales', 3);
    await eventually(() => next.taken.length === 3);
    expect(next.ids).toEqual(ids);
  });
});
