import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { feedExpression, parseFed, timerScript } from '../../../instance/whatsapp/dead-mans-timer.ts';

/** How long a document waits for its first feed, in these tests. */
const PATIENCE = 30_000;

/** A document as far as the timer knows one, with its clocks in hand. */
class Document {
  mono = 0;
  wall = Date.UTC(2026, 10, 22);
  readonly sent: string[] = [];
  closed = 0;
  left: string | null = null;
  readonly #timers = new Map<number, { at: number; run: () => void }>();
  readonly #context: ReturnType<typeof createContext>;

  constructor(hostname = 'web.whatsapp.com') {
    const document = this;
    class Socket {
      static readonly CONNECTING = 0;
      static readonly OPEN = 1;
      readyState = 1;
      send(text: string) {
        document.sent.push(text);
      }
      close() {
        document.closed += 1;
        this.readyState = 3;
      }
      addEventListener() {}
    }
    let timers = 0;
    const window: Record<string, unknown> = {
      WebSocket: Socket,
      DOMException,
      performance: { now: () => this.mono },
      Date: { now: () => this.wall },
      location: {
        hostname,
        replace: (url: string) => {
          this.left = url;
        },
      },
      setTimeout: (run: (...given: unknown[]) => void, after: number, ...given: unknown[]) => {
        timers += 1;
        this.#timers.set(timers, { at: this.mono + after, run: () => run(...given) });
        return timers;
      },
      clearTimeout: (id: number) => this.#timers.delete(id),
    };
    this.#context = createContext(window);
    runInContext('window = globalThis; top = globalThis', this.#context);
    this.run(timerScript(PATIENCE));
  }

  run(expression: string): unknown {
    return runInContext(expression, this.#context);
  }

  /** Feeds it as the process does; the first feed is asked who it is. */
  feed(until: number): void {
    const fed = parseFed(this.run(feedExpression('', 0)));
    this.run(feedExpression(fed?.document ?? '', until));
  }

  open(): void {
    this.run(`socket = new WebSocket('wss://web.whatsapp.com/ws')`);
  }

  send(text: string): void {
    this.run(`socket.send('${text}')`);
  }

  /** Time goes on, and timers run when they are due. */
  pass(milliseconds: number): void {
    const end = this.mono + milliseconds;
    for (;;) {
      const next = [...this.#timers].sort(([, a], [, b]) => a.at - b.at)[0];
      if (!next || next[1].at > end) break;
      this.jump(Math.max(0, next[1].at - this.mono));
      this.#timers.delete(next[0]);
      next[1].run();
    }
    this.jump(end - this.mono);
  }

  /** Time goes on unseen: the process is stopped, or busy. */
  jump(milliseconds: number): void {
    this.mono += milliseconds;
    this.wall += milliseconds;
  }
}

describe("a page's dead man's timer", () => {
  it('holds frames until the first feed, then sends them in their order', () => {
    const page = new Document();
    page.open();
    page.send('a');
    page.send('b');
    page.pass(5000);
    expect(page.sent).toEqual([]);
    page.feed(page.mono + 7000);
    page.send('c');
    expect(page.sent).toEqual(['a', 'b', 'c']);
  });

  it('gives a document up that nobody feeds', () => {
    const page = new Document();
    page.open();
    page.send('a');
    page.pass(PATIENCE - 1);
    expect(page.left).toBeNull();
    page.pass(1000);
    expect([page.left, page.closed, page.sent]).toEqual(['about:blank', 1, []]);
  });

  it('lasts as long as it is fed, and ends soon after', () => {
    const page = new Document();
    page.open();
    for (let round = 0; round < 20; round += 1) {
      page.feed(page.mono + 7000);
      page.pass(2000);
      page.send('x');
    }
    expect(page.sent).toHaveLength(20);
    page.pass(5000 - 1);
    page.send('last');
    page.pass(1);
    page.send('too late');
    expect([page.left, page.closed, page.sent.at(-1)]).toEqual(['about:blank', 1, 'last']);
    // For good.
    page.feed(page.mono + 7000);
    page.send('never');
    expect(page.sent.at(-1)).toBe('last');
    expect(() => page.open()).toThrow(/authority/);
  });

  it('sends nothing where it was stopped beyond its authority, though other code runs before the timer', () => {
    const page = new Document();
    page.open();
    page.feed(7000);
    page.jump(20_000);
    page.send('too late');
    page.feed(7500);
    page.send('too late too');
    page.pass(0);
    page.pass(200);
    expect([page.sent, page.left]).toEqual([[], 'about:blank']);
  });

  it('hears a feed that came in time and waited behind the page itself', () => {
    const page = new Document();
    page.open();
    page.feed(7000);
    page.jump(9000);
    page.send('held');
    page.pass(0);
    page.feed(12_000);
    expect([page.sent, page.left]).toEqual([['held'], null]);
    page.pass(2900);
    expect(page.left).toBeNull();
    page.pass(300);
    expect(page.left).toBe('about:blank');
  });

  it.each([
    ['the machine slept', 3_600_000],
    ['the wall clock was set back', -3_600_000],
  ])('holds frames where %s, until the next feed', (_what, apart) => {
    const page = new Document();
    page.open();
    page.feed(7000);
    page.wall += apart;
    page.send('held');
    expect(page.sent).toEqual([]);
    page.feed(9000);
    page.send('sent');
    expect(page.sent).toEqual(['held', 'sent']);
  });

  it('is not extended by a feed for another document, nor cut short by an older one', () => {
    const page = new Document();
    page.open();
    page.feed(7000);
    page.run(feedExpression('another', 60_000));
    page.feed(5000);
    page.pass(6999);
    page.send('a');
    page.pass(500);
    expect([page.sent, page.left]).toEqual([['a'], 'about:blank']);
  });

  it('lets sockets look and work as they did', () => {
    const page = new Document();
    page.open();
    expect(page.run('socket instanceof WebSocket')).toBe(true);
    expect(page.run('socket.constructor === WebSocket')).toBe(true);
    expect(page.run('WebSocket.OPEN')).toBe(1);
    expect(page.run('new (class extends WebSocket { mine() { return 7 } })().mine()')).toBe(7);
    expect(page.run('String(WebSocket.prototype.send)')).toContain('native code');
  });

  it('leaves other pages alone', () => {
    const page = new Document('');
    expect(page.run(feedExpression('', 0))).toBeNull();
    page.pass(2 * PATIENCE);
    expect(page.left).toBeNull();
  });
});
