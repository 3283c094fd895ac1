import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readHead, Wire, type WireAnswer } from '../../router/proxy/wire.ts';
import { eventually } from '../helpers/eventually.ts';

/** A server of bytes, and a wire to it. */
async function wireTo(onConnection: (socket: Socket) => void): Promise<Wire> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const wire = new Wire(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { 'X-Test': 'yes' });
  onTestFinished(async () => {
    wire.break();
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  await eventually(() => wire.ready);
  return wire;
}

const ask = (wire: Wire, path = '/a') =>
  new Promise<WireAnswer | undefined>((resolve) => wire.get(path, 'id', resolve));

const answerText = (body: string, status = 200) =>
  `HTTP/1.1 ${status} X\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

describe('a wire', () => {
  it('gives each question its own answer, in order, whatever pieces the bytes come in', async () => {
    const bodies = fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { minLength: 1, maxLength: 8 });
    const cuts = fc.array(fc.nat(2000), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(bodies, cuts, async (texts, places) => {
        const bytes = Buffer.from(texts.map((text) => answerText(text)).join(''));
        const edges = [
          0,
          ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b),
          bytes.length,
        ];
        const wire = await wireTo(async (socket) => {
          await once(socket, 'data');
          for (let piece = 1; piece < edges.length; piece++) {
            socket.write(bytes.subarray(edges[piece - 1], edges[piece]));
            await new Promise((resolve) => setImmediate(resolve));
          }
        });
        const answers = await Promise.all(texts.map(() => ask(wire)));
        wire.break();
        expect(answers.map((answer) => Buffer.from(answer?.body ?? '', 'latin1').toString())).toEqual(texts);
      }),
      { numRuns: 40 },
    );
  });

  it('asks in HTTP that a real server understands, with its headers', async () => {
    const server = createHttpServer((request, response) => {
      response.setHeader('Content-Type', 'application/json');
      const body = JSON.stringify([request.url, request.headers['x-test'], request.headers['x-request-id']]);
      response.setHeader('Content-Length', Buffer.byteLength(body));
      response.end(body);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const wire = new Wire(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { 'X-Test': 'yes' });
    await eventually(() => wire.ready);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => ask(wire, `/${index}`)));
    expect(answers.map((answer) => JSON.parse(answer?.body ?? '')[0])).toEqual(
      answers.map((_, index) => `/${index}`),
    );
    expect(JSON.parse(answers[0]?.body ?? '').slice(1)).toEqual(['yes', 'id']);
    wire.break();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  it.each([
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n'],
    ['no length', 'HTTP/1.1 200 OK\r\n\r\nab'],
    ['both', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nab'],
    ['an interim answer', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['no HTTP at all', 'hello\r\n\r\n'],
    ['endless headers', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(40_000)}`],
  ])('breaks at %s, and tells all who wait', async (_name, text) => {
    const wire = await wireTo((socket) => socket.once('data', () => socket.write(text)));
    expect(await Promise.all([ask(wire), ask(wire)])).toEqual([undefined, undefined]);
    expect(wire.usable).toBe(false);
  });

  it('breaks at an answer that nobody asked for', async () => {
    const wire = await wireTo((socket) =>
      socket.once('data', () => socket.write(answerText('a') + answerText('b'))),
    );
    expect((await ask(wire))?.body).toBe('a');
    await eventually(() => !wire.usable);
  });

  it('tells who waits when the connection is cut, in the middle of an answer too', async () => {
    const wire = await wireTo((socket) =>
      socket.once('data', () => socket.end(answerText('whole') + answerText('torn').slice(0, -2))),
    );
    const answers = await Promise.all([ask(wire), ask(wire), ask(wire)]);
    expect(answers.map((answer) => answer?.body)).toEqual(['whole', undefined, undefined]);
  });

  it('gives up on an instance that hangs', async () => {
    const wire = await wireTo(() => {});
    expect(await ask(wire)).toBeUndefined();
    expect(wire.usable).toBe(false);
  });

  it('takes no more questions than its depth', async () => {
    const wire = await wireTo(() => {});
    const waiting = Array.from({ length: 1000 }, () => ask(wire));
    expect(wire.ready).toBe(false);
    wire.break();
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => undefined));
  });
});

describe('readHead', () => {
  it('reads status, type and length, however they are spelt', () => {
    const head = 'HTTP/1.1 404 Not Found\r\ncontent-type: application/problem+json\r\ncontent-length: 7';
    expect(readHead(head)).toEqual({ status: 404, contentType: 'application/problem+json', length: 7 });
  });

  it('never throws, and never invents a length', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (head) => {
        const read = readHead(head);
        return read === undefined || /content-length/i.test(head);
      }),
    );
  });
});
