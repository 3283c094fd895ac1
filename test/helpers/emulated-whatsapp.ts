import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import whatsapp, { type Client, type ClientOptions } from 'whatsapp-web.js';
import { messageOf } from '../../common/errors.ts';
import { type Emulator, startEmulator } from '../../emulator/context.ts';
import { findChromium } from './chromium.ts';
import { type BuiltPage, buildPage } from './emulated-page.ts';
import { eventually } from './eventually.ts';

type Faults = NonNullable<Parameters<typeof startEmulator>[0]>['faults'];
type Json = Record<string, unknown>;

/** The emulator, its phones, and unmodified whatsapp-web.js clients in real browsers. */
export class EmulatedWhatsApp {
  readonly emulator: Emulator;
  readonly #page: BuiltPage;
  readonly #clients: Client[] = [];
  readonly #directories: string[] = [];

  private constructor(emulator: Emulator, page: BuiltPage) {
    this.emulator = emulator;
    this.#page = page;
  }

  static async start(faults: Faults = {}): Promise<EmulatedWhatsApp> {
    const page = await buildPage();
    const emulator = await startEmulator({ pageDirectory: page.directory, faults });
    return new EmulatedWhatsApp(emulator, page);
  }

  /** What an instance's process is told, so that its browsers find the emulator. */
  get browserEnv(): Record<string, string> {
    const { httpsPort, spki } = this.emulator;
    return { WHATSAPP_WEB_RESOLVE: `127.0.0.1:${httpsPort}`, WHATSAPP_WEB_SPKI: spki };
  }

  /** A client that is not started. Without a profile it gets one of its own, removed with everything else. */
  async client(profile?: string, options: Partial<ClientOptions> = {}): Promise<Client> {
    const dataPath = profile ?? (await this.profile());
    const { httpsPort, spki } = this.emulator;
    const client = new whatsapp.Client({
      authStrategy: new whatsapp.LocalAuth({ dataPath }),
      webVersionCache: { type: 'none' },
      // The library waits this long for the page before it gives up.
      authTimeoutMs: 20_000,
      puppeteer: {
        executablePath: findChromium(),
        pipe: true,
        args: [
          `--host-resolver-rules=MAP web.whatsapp.com:443 127.0.0.1:${httpsPort}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`,
          `--ignore-certificate-errors-spki-list=${spki}`,
          '--disable-gpu',
          '--mute-audio',
          ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
        ],
      },
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /** A directory for LocalAuth. */
  async profile(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'wharf-profile-'));
    this.#directories.push(directory);
    return directory;
  }

  /** Links a client by QR, and returns when it is ready. */
  async link(client: Client, phone: string, name = `Phone ${phone}`): Promise<void> {
    const qr = nextEvent<[string]>(client, 'qr');
    const ready = nextEvent(client, 'ready');
    await client.initialize();
    quietAfterClose(client);
    const [text] = await qr;
    await this.post('/scan', { qr: text, phone, name });
    await ready;
  }

  /** Starts a client whose profile is linked, and returns when it is ready. */
  async start(client: Client): Promise<void> {
    const ready = nextEvent(client, 'ready');
    await client.initialize();
    quietAfterClose(client);
    await tellOfSync(client);
    await ready;
  }

  async get<T = Json>(path: string): Promise<T> {
    return this.#request<T>(path, { method: 'GET' });
  }

  async post<T = Json>(path: string, body: Json): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    return this.#request<T>(path, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  /** Ends the browsers and the emulator, and removes what they wrote. */
  async close(): Promise<void> {
    await Promise.all(this.#clients.map(endClient));
    await this.emulator.close();
    await this.#page.remove();
    const options = { recursive: true, force: true, maxRetries: 5, retryDelay: 100 };
    await Promise.all(this.#directories.map((directory) => rm(directory, options)));
  }

  async #request<T>(path: string, init: RequestInit): Promise<T> {
    const answer = await fetch(new URL(path, this.emulator.controlUrl), init);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${init.method} ${path} answered ${answer.status}: ${text}`);
    return JSON.parse(text) as T;
  }
}

/**
 * The library injects itself into every document the page navigates to, and nobody catches what that throws when the browser is closed meanwhile:
 * a test that logs out would end with an unhandled rejection.
 */
function quietAfterClose(client: Client): void {
  const injectable = client as Client & { inject(): Promise<void> };
  const inject = injectable.inject.bind(client);
  injectable.inject = async () => {
    try {
      await inject();
    } catch (error) {
      const isClosed = error instanceof Error && error.name === 'TargetCloseError';
      if (!isClosed && client.pupBrowser?.connected) throw error;
    }
  };
}

/**
 * The library hears of the sync only if it listens before that is over: here the page is asked, as whoever uses the
 * library must ask it.
 */
async function tellOfSync(client: Client): Promise<void> {
  try {
    await client.pupPage?.evaluate(`{
      const { Socket } = window.require('WAWebSocketModel');
      if (Socket.hasSynced && !window.WWebJS) window.onAppStateHasSyncedEvent();
    }`);
  } catch (error) {
    // It had heard after all, and was at it: then the second call fails at what the first has done.
    if (!/already exists/.test(messageOf(error))) throw error;
  }
}

/** The arguments of a client's next event of a name, that fulfil a condition. */
export function nextEvent<A extends unknown[]>(
  client: Client,
  name: string,
  matches: (...args: A) => boolean = () => true,
): Promise<A> {
  return new Promise((resolve) => {
    const listener = (...args: unknown[]): void => {
      if (!matches(...(args as A))) return;
      client.off(name, listener);
      resolve(args as A);
    };
    client.on(name, listener);
  });
}

/** Closes a client's browser as the library does, or kills it where that is not possible any longer. */
export async function endClient(client: Client): Promise<void> {
  const browser = client.pupBrowser;
  if (!browser?.connected) return;
  const child = browser.process();
  await Promise.race([client.destroy(), eventually(() => child?.exitCode !== null, 5000)]).catch(
    () => undefined,
  );
  if (child?.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
}
