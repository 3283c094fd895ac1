import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { startFleet, type TestFleet } from '../helpers/router.ts';
import { type RouterProcess, startRouterProcess } from '../helpers/router-process.ts';

const PATH = '/api/whatsapp/sessions/main/messages';

let fleet: TestFleet;
let wire: CutWire;

beforeEach(async () => {
  fleet = await startFleet();
  await fleet.addInstance('instance-1');
  await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 2, session_id: 'main' } });
  wire = await CutWire.open(fleet.redis.port);
});
afterEach(async () => {
  await wire.close();
  await fleet.close();
});

/** A connection to Redis through which answers come no more once a word went by. */
class CutWire {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #word = '';
  /** True from the moment the word went by. */
  isCut = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(port: number): Promise<CutWire> {
    const server = createServer();
    const wire = new CutWire(server);
    server.on('connection', (near) => wire.#join(near, connect(port, '127.0.0.1')));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return wire;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('it does not listen');
    return `redis://127.0.0.1:${address.port}`;
  }

  /** Redis gets what has this in it, and what it answers is lost. */
  cutAfter(word: string): void {
    this.#word = word;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket, far: Socket): void {
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (chunk: Buffer) => {
      if (this.#word !== '' && chunk.includes(this.#word)) this.isCut = true;
      far.write(chunk);
    });
    far.on('data', (chunk: Buffer) => {
      if (!this.isCut) near.write(chunk);
    });
  }
}

/** Messages in the queue, the first one included that {@link startRouter} sends. */
async function depth(): Promise<number> {
  const [view] = await fleet.router.services.queues.views();
  return view?.depth ?? 0;
}

/** A router in a process of its own, whose queues are behind the wire. It has sent a message, so that Redis has its scripts. */
async function startRouter(): Promise<RouterProcess> {
  const router = await startRouterProcess(fleet, { QUEUE_REDIS_URL: wire.url });
  await fleet.ask('POST', PATH, { body: { to: '491701234567', text: 'the first words' }, url: router.url });
  return router;
}

describe('a router that is killed after it stored a message and before it answered', () => {
  it.each([
    ['a text', { to: '491701234567', text: 'the last words' }, 'the last words'],
    [
      'a file',
      { to: '491701234567', caption: 'the last words', media: { data: 'AAAA', mimetype: 'image/png' } },
      'the last words',
    ],
  ])(
    'leaves one message of %s, which the client finds by its key at another router',
    async (_name, body, word) => {
      const router = await startRouter();
      const headers = { 'Idempotency-Key': 'tried again' };
      wire.cutAfter(word);
      const lost = fleet
        .ask('POST', PATH, { body, headers, url: router.url })
        .catch((error: unknown) => error);
      await eventually(() => wire.isCut);
      await eventually(async () => (await depth()) === 1 + 1);
      await router.kill();
      expect(await lost).toBeInstanceOf(Error);
      for (let round = 0; round < 3; round++) {
        const again = await fleet.ask('POST', PATH, { body, headers });
        expect([again.status, again.json.status]).toEqual([202, 'queued']);
        expect(again.headers.get('idempotent-replayed')).toBe('true');
      }
      expect(await depth()).toBe(1 + 1);
    },
  );

  it('leaves one message of each of a bulk', async () => {
    const router = await startRouter();
    const messages = Array.from({ length: 600 }, (_, n) => ({
      session_id: 'main',
      to: '491701234567',
      text: `number ${n}.`,
      idempotency_key: `key ${n}`,
    }));
    // Some are stored and some never left the router.
    wire.cutAfter('number 100.');
    const ask = (url: string) =>
      fleet.ask('POST', '/api/whatsapp/messages/bulk', { body: { messages }, url });
    const lost = ask(router.url).catch((error: unknown) => error);
    await eventually(() => wire.isCut);
    await eventually(async () => (await depth()) > 1);
    await router.kill();
    expect(await lost).toBeInstanceOf(Error);
    const stored = (await depth()) - 1;
    expect(stored).toBeLessThan(600);
    const { accepted } = (await ask(fleet.url)).json;
    expect(accepted).toHaveLength(600);
    expect(accepted.filter((each: { replayed?: true }) => each.replayed)).toHaveLength(stored);
    expect(await depth()).toBe(1 + 600);
  });
});
