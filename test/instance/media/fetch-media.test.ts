import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { newMediaId } from '../../../fleet/media/media-ids.ts';
import type { MediaStore } from '../../../fleet/media/media-store.ts';
import { openMediaStore } from '../../../fleet/media/open-media-store.ts';
import type { Media } from '../../../fleet/messages.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { MediaFetcher } from '../../../instance/media/fetch-media.ts';
import { MemoryBudget } from '../../../instance/media/memory-budget.ts';
import { UrlMedia, type UrlMediaOptions } from '../../../instance/media/url-media.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const PNG = { 'Content-Type': 'image/png' };
type Options = UrlMediaOptions & { limit?: number };

/** A fetcher that may call this host too, and a server on it. */
describe('fetching media', () => {
  let base: string;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let asked: string[];
  let close: () => Promise<void>;
  let store: MediaStore;
  let budget: MemoryBudget;
  const fetchers: MediaFetcher[] = [];

  beforeEach(async () => {
    asked = [];
    store = openMediaStore({ mediaBucket: null }, new SessionPaths(await temporaryDirectory()), systemClock);
    budget = new MemoryBudget();
    answer = (_request, response) => {
      response.setHeader('Content-Type', 'image/png').end('picture');
    };
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    close = () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
  });
  afterEach(async () => {
    expect(budget.taken).toBe(0);
    await Promise.all(fetchers.splice(0).map((fetcher) => fetcher.close()));
    await close();
  });

  const fetcher = ({ limit, ...options }: Options = {}) => {
    const made = new MediaFetcher({
      store,
      urls: new UrlMedia(options),
      budget,
      clock: systemClock,
      ...(limit === undefined ? {} : { limit: () => limit }),
    });
    fetchers.push(made);
    return {
      /** Released at once; what is left of it is checked after each test. */
      prepare: async (media: Media) => {
        const { release, ...content } = await made.prepare('7', media);
        release();
        return content;
      },
    };
  };
  const local = (options: Options = {}) =>
    fetcher({ mayCall: (address) => address === '127.0.0.1', ...options });

  it('gives what is there, with its type, and the name its address ends in', async () => {
    expect(await local().prepare({ url: `${base}/a/my%20cat.png?signature=secret` })).toEqual({
      mimetype: 'image/png',
      data: Buffer.from('picture').toString('base64'),
      filename: 'my cat.png',
    });
  });

  it('takes the type and name of the message before those of the server', async () => {
    const media = { url: `${base}/x`, mimetype: 'application/pdf', filename: 'bill.pdf' };
    expect(await local().prepare(media)).toMatchObject({ mimetype: 'application/pdf', filename: 'bill.pdf' });
  });

  it.each(['application/octet-stream', 'nonsense', undefined])(
    'asks for a type where the server says %s',
    async (type) => {
      answer = (_request, response) => {
        if (type !== undefined) response.setHeader('Content-Type', type);
        response.end('x');
      };
      await expect(local().prepare({ url: `${base}/x` })).rejects.toMatchObject({
        code: 'media_refused',
        message: expect.stringContaining('Give "mimetype"'),
      });
    },
  );

  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0177.0.0.1/',
    'http://0x7f000001/',
    'http://0x7f.1/',
    'http://127.0.0.1./',
    'http://0/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[fd00::1]/',
    'http://[fe80::1]/',
    'http://[2002:7f00:1::]/',
    'http://[64:ff9b::7f00:1]/',
    'http://10.0.0.1/',
    'http://192.168.0.1:8080/x',
    'http://169.254.169.254/latest/meta-data/',
    'http://user:password@127.0.0.1/',
    'http://１２７.０.０.１/',
    'http://①②⑦.0.0.1/',
    'http://localhost/',
    'https://localhost/',
  ])('refuses %s, without calling it', async (url) => {
    const { port } = new URL(base);
    const address = new URL(url);
    if (address.port === '') address.port = port;
    await expect(fetcher().prepare({ url: address.href })).rejects.toMatchObject({
      code: 'media_refused',
      message: expect.stringContaining('public Internet'),
    });
    expect(asked).toEqual([]);
  });

  it('asks for the addresses of a name without taking one of the threads that files need', async () => {
    const names: string[] = [];
    const mine = local({
      resolve: async (name) => {
        names.push(name);
        return [{ address: '127.0.0.1', family: 4 }];
      },
    });
    const url = base.replace('127.0.0.1', 'files.example');
    expect((await mine.prepare({ url: `${url}/x.png` })).filename).toBe('x.png');
    expect(names).toEqual(['files.example']);
  });

  it('refuses a name of which any address is not public, at the moment it is called', async () => {
    const looked: string[] = [];
    const mine = fetcher({
      mayCall: (address) => {
        looked.push(address);
        return false;
      },
    });
    const url = base.replace('127.0.0.1', 'localhost');
    await expect(mine.prepare({ url })).rejects.toMatchObject({ code: 'media_refused' });
    expect(looked.length).toBeGreaterThan(0);
    for (const address of looked) expect(['127.0.0.1', '::1']).toContain(address);
    expect(asked).toEqual([]);
  });

  it.each([
    'http://10.0.0.1/x',
    'http://localhost:1/x',
    '//169.254.169.254/',
    'file:///etc/passwd',
    'ftp://1.1.1.1/',
  ])('refuses a redirect to %s', async (location) => {
    answer = (_request, response) => response.writeHead(302, { Location: location }).end();
    await expect(
      local({ mayCall: (address) => address === '127.0.0.1' && asked.length === 0 }).prepare({
        url: `${base}/start`,
      }),
    ).rejects.toMatchObject({
      code: 'media_refused',
    });
    expect(asked).toEqual(['/start']);
  });

  it('follows three redirects and no more', async () => {
    answer = (request, response) => {
      const left = Number(request.url?.slice(1));
      if (left > 0) response.writeHead(307, { Location: `/${left - 1}` }).end('moved');
      else response.setHeader('Content-Type', 'image/png').end('there');
    };
    expect(await local().prepare({ url: `${base}/3` })).toMatchObject({ mimetype: 'image/png' });
    await expect(local().prepare({ url: `${base}/4` })).rejects.toMatchObject({
      code: 'media_refused',
      message: expect.stringContaining('redirects more than 3 times'),
    });
  });

  it('refuses what is announced as too large before it is read, and what turns out to be', async () => {
    answer = (request, response) => {
      if (request.url === '/announced') response.setHeader('Content-Length', '101');
      response.setHeader('Content-Type', 'image/png');
      response.flushHeaders();
      // Only what was not announced is ever sent.
      if (request.url === '/unannounced')
        for (let part = 0; part < 20; part += 1) response.write('0123456789');
    };
    for (const path of ['announced', 'unannounced']) {
      await expect(local({ limit: 100 }).prepare({ url: `${base}/${path}` })).rejects.toMatchObject({
        code: 'media_too_large',
        message: expect.stringContaining('100 bytes (0 MB) are the limit'),
      });
    }
    answer = (_request, response) => response.setHeader('Content-Type', 'image/png').end('x'.repeat(100));
    expect(await local({ limit: 100 }).prepare({ url: `${base}/fits` })).toMatchObject({ filename: 'fits' });
  });

  it.each([
    ['no answer', () => {}],
    ['a body that never ends', (response: ServerResponse) => response.writeHead(200, PNG).write('x')],
    [
      'a redirect whose body never ends',
      (response: ServerResponse) => response.writeHead(302, { Location: '/' }).write('x'),
    ],
    ['a 404 whose body never ends', (response: ServerResponse) => response.writeHead(404).write('x')],
  ])('gives up on a server with %s', async (_what, hang) => {
    answer = (_request, response) => void hang(response);
    await expect(local({ begin: 100, all: 100 }).prepare({ url: `${base}/x` })).rejects.toMatchObject({
      code: 'media_unreachable',
    });
  });

  it.each([
    ['a status of 404', (response: ServerResponse) => response.writeHead(404).end('no'), 'status 404'],
    ['a status of 500', (response: ServerResponse) => response.writeHead(500).end(), 'status 500'],
    ['no content', (response: ServerResponse) => response.writeHead(204).end(), 'status 204'],
    ['nothing in it', (response: ServerResponse) => response.writeHead(200, PNG).end(), 'is empty'],
    [
      'an end in the middle',
      (response: ServerResponse) => response.socket?.destroy(),
      'could not be fetched',
    ],
    [
      'a redirect to no address',
      (response: ServerResponse) => response.writeHead(302, { Location: 'http://[' }).end(),
      'could not be fetched',
    ],
  ])('says of a server that answers with %s what it did', async (_what, act, said) => {
    answer = (_request, response) => void act(response);
    await expect(local().prepare({ url: `${base}/x` })).rejects.toMatchObject({
      code: 'media_unreachable',
      message: expect.stringContaining(said),
    });
  });

  it('says that nobody listens, and that a name is not known', async () => {
    await close();
    await expect(local().prepare({ url: `${base}/x` })).rejects.toMatchObject({ code: 'media_unreachable' });
    await expect(local().prepare({ url: 'http://no-such-name.invalid/x' })).rejects.toMatchObject({
      code: 'media_unreachable',
    });
  });

  it("keeps an address's query and password out of its errors", async () => {
    answer = (_request, response) => response.writeHead(403).end();
    const url = `${base.replace('//', '//user:hunter2@')}/file?signature=hunter2`;
    const error = await local()
      .prepare({ url })
      .catch((caught: unknown) => caught);
    expect(String(error)).toContain('/file answered with status 403');
    expect(String(error)).not.toContain('hunter2');
  });

  it('takes media in the body as it comes, up to the limit', async () => {
    const data = Buffer.from('0123456789').toString('base64');
    const media = { data, mimetype: 'text/plain' };
    expect(await fetcher({ limit: 10 }).prepare(media)).toEqual({
      mimetype: 'text/plain',
      data,
      filename: null,
    });
    await expect(fetcher({ limit: 9 }).prepare(media)).rejects.toMatchObject({ code: 'media_too_large' });
  });

  it.each([
    ['text/html', undefined, 'answers with a web page'],
    ['text/html; charset=utf-8', 'image/png', 'answers with text/html, not image/png'],
    ['application/json', 'video/mp4', 'answers with application/json, not video/mp4'],
  ])('refuses %s where %s was to come', async (said, mimetype, why) => {
    answer = (_request, response) => response.setHeader('Content-Type', said).end('<html>');
    const media = { url: `${base}/x`, ...(mimetype === undefined ? {} : { mimetype }) };
    await expect(local().prepare(media)).rejects.toMatchObject({
      code: 'media_refused',
      message: expect.stringContaining(why),
    });
  });

  it('refuses a page that calls itself a picture, and sends a page as the document it is', async () => {
    for (const said of ['image/png', 'application/octet-stream']) {
      answer = (_request, response) =>
        response.setHeader('Content-Type', said).end('\n <!DOCTYPE html><title>Log in</title>');
      const media = { url: `${base}/x`, mimetype: 'image/png' };
      await expect(local().prepare(media)).rejects.toMatchObject({
        code: 'media_refused',
        message: expect.stringContaining('is a web page'),
      });
    }
    answer = (_request, response) => response.setHeader('Content-Type', 'text/html').end('<html>');
    expect(await local().prepare({ url: `${base}/x`, mimetype: 'text/html' })).toMatchObject({
      mimetype: 'text/html',
    });
  });

  it('gives up on a server that falls silent in the middle', async () => {
    answer = (_request, response) => void response.writeHead(200, PNG).write('x');
    await expect(local({ idle: 100, all: 20_000 }).prepare({ url: `${base}/x` })).rejects.toMatchObject({
      code: 'media_unreachable',
    });
  });

  it('holds no more than its budget, whatever servers announce', async () => {
    budget = new MemoryBudget(200, 200);
    let most = 0;
    answer = (_request, response) => {
      most = Math.max(most, budget.taken);
      response.writeHead(200, { ...PNG, 'Content-Length': '90' }).end(Buffer.alloc(90));
    };
    const mine = local();
    const all = Array.from({ length: 10 }, (_, part) => mine.prepare({ url: `${base}/${part}` }));
    for (const { data } of await Promise.all(all)) {
      most = Math.max(most, budget.taken);
      expect(data).toHaveLength(120);
    }
    expect(most).toBeLessThanOrEqual(200);
  });

  describe('that was stored', () => {
    const put = (workspace: string, bytes: Buffer) =>
      store.put(workspace, Readable.from([bytes]), { mimetype: 'image/png', filename: 'cat.png' }, 1000);

    it('comes out of the store, described as it was or as the message says', async () => {
      const { media_id } = await put('7', Buffer.from('picture'));
      const data = Buffer.from('picture').toString('base64');
      expect(await fetcher().prepare({ media_id })).toEqual({
        mimetype: 'image/png',
        filename: 'cat.png',
        data,
      });
      const media = { media_id, mimetype: 'application/pdf', filename: 'x.pdf' };
      expect(await fetcher().prepare(media)).toEqual({
        mimetype: 'application/pdf',
        filename: 'x.pdf',
        data,
      });
    });

    it('is found also where another host wrote it a moment ago', async () => {
      const media_id = newMediaId();
      const preparing = fetcher().prepare({ media_id });
      const description = { mimetype: 'image/png', filename: null };
      await store.put('7', Readable.from([Buffer.from('late')]), description, 1000, media_id);
      expect(await preparing).toMatchObject({ mimetype: 'image/png' });
    });

    it("is not found under another workspace's id", async () => {
      const { media_id } = await put('8', Buffer.from('secret'));
      await expect(fetcher().prepare({ media_id })).rejects.toMatchObject({ code: 'media_not_found' });
    });

    it('is not sent where it is too large for what the message calls it', async () => {
      const { media_id } = await put('7', Buffer.alloc(11));
      await expect(fetcher({ limit: 10 }).prepare({ media_id })).rejects.toMatchObject({
        code: 'media_too_large',
      });
    });
  });

  it.each([
    ['/', null],
    ['/a%2Fb%5Cc%00d.png', 'abcd.png'],
    ['/%E0%A4%A', null],
    [`/${'x'.repeat(500)}`, 'x'.repeat(200)],
  ])('makes of the path %s the name %j', async (path, filename) => {
    expect(await local().prepare({ url: `${base}${path}` })).toMatchObject({ filename });
  });
});
