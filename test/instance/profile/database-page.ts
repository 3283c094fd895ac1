import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { findChromium } from '../../helpers/chromium.ts';

/** What the page found in its databases when it was loaded. */
export interface Found {
  /** Rows of the IndexedDB store, and the highest key; a key n says that rows 1 to n were committed. */
  rows: number;
  highest: number;
  /** Entries of localStorage. */
  local: number;
}

/** A page on a loopback origin that keeps numbered rows in IndexedDB and localStorage, as a session keeps its login. */
export interface DatabasePage {
  /** Starts a headless shell on a profile; resolves when the page has read its databases. */
  start(userData: string): Promise<Browser>;
}

export interface Browser {
  found: Found;
  /** Has the page write rows one after another, each in a strict transaction, until `rows` are committed in this run; the highest key then. */
  write(rows: number): Promise<number>;
  /** Has the page go on writing, without waiting; the highest key it had said to be committed is in {@link Browser.committed}. */
  burst(): Promise<void>;
  committed(): number;
  /** SIGSTOP: it writes no more until {@link Browser.resume}. */
  pause(): void;
  resume(): void;
  /** SIGKILL, and the end of it seen. */
  kill(): Promise<void>;
  /** Closes as puppeteer does, and waits for the exit. */
  close(): Promise<void>;
  /** All it has written on stderr. */
  complaints(): string;
}

const PAGE = `<!doctype html><meta charset="utf-8"><script>
const wish = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
const opened = () => {
  const request = indexedDB.open('session', 1);
  request.onupgradeneeded = () => request.result.createObjectStore('rows', { keyPath: 'id' });
  return wish(request);
};
const tell = (path, body) => fetch(path, { method: 'POST', body: JSON.stringify(body) }).then((answer) => answer.json());
(async () => {
  const database = await opened();
  const keys = await wish(database.transaction('rows').objectStore('rows').getAllKeys());
  let highest = keys.length === 0 ? 0 : Math.max(...keys);
  let command = await tell('/found', { rows: keys.length, highest, local: localStorage.length });
  for (;;) {
    for (let row = 0; row < command.rows; row++) {
      const id = highest + 1;
      await new Promise((resolve, reject) => {
        const transaction = database.transaction('rows', 'readwrite', { durability: 'strict' });
        transaction.objectStore('rows').put({ id, text: String(id).repeat(1 + (id * 7919) % command.spread) });
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error);
      });
      localStorage.setItem('row-' + (id % 50), String(id));
      highest = id;
      if (command.every || row + 1 === command.rows) await tell('/committed', { highest });
    }
    command = await tell('/idle', {});
  }
})().catch((error) => tell('/failed', String(error)));
</script>`;

/** Serves the page until the running test ends, and then kills what is left of its browsers. */
export async function serveDatabasePage(): Promise<DatabasePage> {
  let onMessage: (path: string, body: unknown) => Promise<object> = async () => ({ rows: 0 });
  const server = createServer(async (request, response) => {
    if (request.method === 'GET') {
      response.setHeader('content-type', 'text/html');
      response.end(request.url === '/' ? PAGE : '');
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const answer = await onMessage(request.url ?? '', JSON.parse(Buffer.concat(chunks).toString()));
    response.end(JSON.stringify(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const running = new Set<ChildProcess>();
  onTestFinished(async () => {
    for (const child of running) await end(child);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  return {
    start: async (userData) => {
      let complaints = '';
      let committed = 0;
      let reportFound: (found: Found) => void = () => {};
      let reportFailure: (error: Error) => void = () => {};
      let reportCommitted: (highest: number) => void = () => {};
      let giveCommand: ((command: object) => void) | null = null;
      let idle: () => void = () => {};
      let becameIdle = new Promise<void>((resolve) => {
        idle = resolve;
      });
      const found = new Promise<Found>((resolve, reject) => {
        reportFound = resolve;
        reportFailure = reject;
      });
      const nextCommand = () => {
        idle();
        return new Promise<object>((resolve) => {
          giveCommand = resolve;
        });
      };
      onMessage = async (path, body) => {
        if (path === '/found') {
          reportFound(body as Found);
          return await nextCommand();
        }
        if (path === '/idle') return await nextCommand();
        if (path === '/committed') {
          committed = (body as { highest: number }).highest;
          reportCommitted(committed);
        }
        if (path === '/failed') reportFailure(new Error(`The page failed: ${String(body)}`));
        return {};
      };
      const command = async (value: object) => {
        await becameIdle;
        becameIdle = new Promise<void>((resolve) => {
          idle = resolve;
        });
        giveCommand?.(value);
      };

      const flags = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--remote-debugging-pipe'];
      const child = spawn(findChromium(), [...flags, `--user-data-dir=${userData}`, url], {
        stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      });
      running.add(child);
      child.on('exit', () => {
        running.delete(child);
        reportFailure(new Error(`The browser ended: ${complaints}`));
      });
      child.stderr?.on('data', (chunk) => {
        complaints += String(chunk);
      });
      child.stdio[4]?.on('error', () => {});
      (child.stdio[4] as NodeJS.ReadableStream).resume();
      const pipe = child.stdio[3] as Writable;
      pipe.on('error', () => {});

      return {
        found: await found,
        write: async (rows) => {
          const done = new Promise<number>((resolve) => {
            reportCommitted = resolve;
          });
          await command({ rows, spread: 60, every: false });
          return await done;
        },
        burst: async () => {
          const begun = new Promise<number>((resolve) => {
            reportCommitted = resolve;
          });
          await command({ rows: 1e9, spread: 900, every: true });
          await begun;
        },
        committed: () => committed,
        // The process that writes the databases is the first one.
        pause: () => child.kill('SIGSTOP'),
        resume: () => child.kill('SIGCONT'),
        kill: () => end(child),
        close: async () => {
          const ended = once(child, 'exit');
          pipe.write(`${JSON.stringify({ id: 1, method: 'Browser.close' })}\0`);
          await ended;
        },
        complaints: () => complaints,
      };
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
