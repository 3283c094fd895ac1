import { EventEmitter, once } from 'node:events';
import { Agent, createServer, type RequestListener, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type HttpServer, listen } from '../../../common/http/server.ts';
import { problemSchema } from '../../../common/problem.ts';

async function serve(listener: RequestListener, requestTimeout?: number): Promise<HttpServer> {
  const options = requestTimeout === undefined ? {} : { requestTimeout };
  const server = await listen(listener, 0, '127.0.0.1', options);
  onTestFinished(() => server.close(0));
  return server;
}

/** What the server says on a connection until it closes it. */
async function talk(server: HttpServer, text: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  const said: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => said.push(chunk));
  socket.on('error', () => {});
  socket.write(text);
  await once(socket, 'close');
  return Buffer.concat(said).toString('utf8');
}

function problemIn(answer: string) {
  return problemSchema.parse(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))));
}

describe('a listening server', () => {
  it('ends its connections with their answers once it leaves, also those of requests that it has already', async () => {
    const answers = new EventEmitter();
    const server = await serve(async (request, response) => {
      if (request.url === '/held') await once(answers, 'held');
      response.end('here');
    });
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => kept.destroy());
    const ask = async (path: string) => {
      const asked = request(server.url + path, { agent: kept });
      asked.end();
      const [response] = await once(asked, 'response');
      response.resume();
      return response.headers.connection;
    };
    expect(await ask('/')).toBe('keep-alive');
    const before = ask('/held');
    await once(server.server, 'request');
    server.leave();
    answers.emit('held');
    expect(await before).toBe('close');
    expect(await ask('/')).toBe('close');
  });

  it('says on which port, where the system chose it', async () => {
    const server = await serve((_request, response) => void response.end('here'));
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
    expect(await (await fetch(server.url)).text()).toBe('here');
  });

  it('says that a port is taken, by its number, and that an address is not of this host', async () => {
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => new Promise<void>((resolve) => void other.close(() => resolve())));
    const { port } = other.address() as AddressInfo;
    await expect(listen(() => {}, port, '127.0.0.1')).rejects.toMatchObject({
      code: 'port_taken',
      message: expect.stringContaining(String(port)),
    });
    await expect(listen(() => {}, 0, '192.0.2.1')).rejects.toMatchObject({ code: 'config_invalid' });
  });

  it.each([
    ['headers that never end', 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: '],
    ['a body that never ends', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab'],
    ['chunks that never end', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n'],
  ])('answers %s with 408 and closes the connection', async (_what, text) => {
    const server = await serve((request) => void request.resume(), 300);
    const answer = await talk(server, text);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(problemIn(answer)).toMatchObject({ code: 'request_timeout', status: 408 });
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n'],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na'],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['an address of 20 kB', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
  ])('answers %s with a problem document', async (_what, text) => {
    let handled = 0;
    const server = await serve((request, response) => {
      handled += 1;
      request.resume();
      response.end();
    });
    const answer = await talk(server, text);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(problemIn(answer).code).toBe('invalid_request');
    expect(handled).toBe(0);
  });

  it('lets the requests that are being answered end when it closes, and takes no new ones', async () => {
    let finish = () => {};
    const server = await serve((_request, response) => {
      finish = () => response.end('done');
      response.flushHeaders();
    });
    const answer = await fetch(server.url);
    const closing = server.close(60_000);
    await expect(fetch(server.url)).rejects.toThrow();
    finish();
    expect(await answer.text()).toBe('done');
    await closing;
  });

  it('cuts what is still being answered after the grace', async () => {
    const server = await serve((_request, response) => void response.flushHeaders());
    const answer = await fetch(server.url);
    await server.close(50);
    await expect(answer.text()).rejects.toThrow();
  });
});
