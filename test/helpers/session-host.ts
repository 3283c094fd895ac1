import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../common/clock.ts';
import { createLogger } from '../../common/logger.ts';
import { FileClaims } from '../../fleet/file-claims.ts';
import type { SessionStatus } from '../../fleet/records.ts';
import { type GenerationName, SessionPaths } from '../../fleet/session-paths.ts';
import { parseChromiumVersion } from '../../instance/profile/chromium-version.ts';
import { ProfileStore } from '../../instance/profile/profile-store.ts';
import { Trash } from '../../instance/profile/trash.ts';
import type { BackoffRules } from '../../instance/session/backoff.ts';
import { newCounters } from '../../instance/session/counters.ts';
import type { SessionListener } from '../../instance/session/listener.ts';
import { newLossCounts } from '../../instance/session/losses.ts';
import type { Session } from '../../instance/session/session.ts';
import type { LifeTimeouts } from '../../instance/session/session-life.ts';
import { SessionManager } from '../../instance/session/session-manager.ts';
import { SessionStore } from '../../instance/session/session-store.ts';
import { StartGate } from '../../instance/session/start-gate.ts';
import { hostClock } from '../../instance/supervisor/host-clock.ts';
import { type Chromium, findChromium } from '../../instance/whatsapp/chromium.ts';
import type { ClientTimeouts } from '../../instance/whatsapp/client.ts';
import { whatsappWebJsClients } from '../../instance/whatsapp/page-client.ts';
import { killBrowsersUnder } from '../../instance/whatsapp/process-tree.ts';
import type { EmulatedWhatsApp } from './emulated-whatsapp.ts';
import { eventually } from './eventually.ts';
import { Granting } from './granting.ts';

/** A line of the log, as the instance wrote it. */
export interface LogLine {
  level: string;
  msg: string;
  [field: string]: unknown;
}

export interface SessionHostOptions {
  chromium?: Chromium;
  /** What the profile store is told the browser is; default: what it is. */
  chromiumVersion?: string;
  backoff?: Partial<BackoffRules>;
  life?: Partial<LifeTimeouts>;
  client?: Partial<ClientTimeouts>;
  /** Hear what goes on in the sessions. */
  listeners?: readonly SessionListener<Session>[];
  /** A session path of an earlier host; it stays when this one is closed. */
  root?: string;
  /** What lies there is taken over as from another host, which had released it or not. */
  takenOver?: { released: boolean };
}

/** The workspace of all sessions here. */
const WORKSPACE = '7';

/**
 * The sessions of an instance without its HTTP and Redis: composed of the same parts as `instance/context.ts`, with real browsers, against the
 * emulator. What is logged is kept; pauses before another start are taken and counted.
 */
export class SessionHost {
  readonly root: string;
  readonly paths: SessionPaths;
  readonly manager: SessionManager;
  readonly log: LogLine[] = [];
  /** Every state of every session, in order: `main ready`. */
  readonly history: string[] = [];
  readonly #whatsapp: EmulatedWhatsApp;
  readonly granting: Granting;
  readonly #keepRoot: boolean;

  private constructor(
    whatsapp: EmulatedWhatsApp,
    root: string,
    chromium: Chromium,
    options: SessionHostOptions,
  ) {
    this.root = root;
    this.#keepRoot = options.root !== undefined;
    this.#whatsapp = whatsapp;
    const clock: Clock = hostClock;
    const log = createLogger('debug', {}, { write: (line) => this.log.push(JSON.parse(line)) });
    const version = parseChromiumVersion(options.chromiumVersion ?? chromium.version);
    if (version === null) throw new Error(`no version: ${chromium.version}`);
    this.paths = new SessionPaths(root);
    const me = { instance: 'instance-1', incarnation: 'test', host: 'test-host' };
    this.granting = new Granting(new FileClaims(this.paths), me);
    const { httpsPort, spki } = whatsapp.emulator;
    const statuses = new Map<string, SessionStatus>();
    this.manager = new SessionManager({
      ownership: this.granting.ownership,
      capacity: 50,
      host: me.host,
      closeWithin: 15_000,
      log,
      onChange: (session) => {
        const id = session.record.session_id;
        if (statuses.get(id) === session.status) return;
        statuses.set(id, session.status);
        this.history.push(`${id} ${session.status}`);
      },
      onRemove: () => {},
      onLeave: () => {},
      parts: {
        instance: me.instance,
        clients: whatsappWebJsClients(
          {
            chromium,
            webResolve: `127.0.0.1:${httpsPort}`,
            webSpki: spki,
            timeouts: {
              start: 30_000,
              stop: 8000,
              ping: 10_000,
              read: 20_000,
              send: 60_000,
              ...options.client,
            },
          },
          log,
        ),
        chromium: version,
        profiles: new ProfileStore(this.paths, clock),
        store: new SessionStore(this.paths),
        trash: new Trash(this.paths, clock),
        gate: new StartGate(4),
        copies: new StartGate(4),
        clock,
        backoff: { base: 200, maxAttempts: 10, slow: 60_000, ...options.backoff },
        timeouts: { health: 30_000, ready: 60_000, qr: 600_000, ...options.life },
        counters: newCounters(),
        losses: newLossCounts(),
        log,
        listeners: options.listeners ?? [],
        random: () => 0,
      },
    });
  }

  static async start(whatsapp: EmulatedWhatsApp, options: SessionHostOptions = {}): Promise<SessionHost> {
    const chromium = options.chromium ?? (await findChromium(null, 'auto'));
    const root = options.root ?? (await mkdtemp(join(tmpdir(), 'wharf-sessions-')));
    const host = new SessionHost(whatsapp, root, chromium, options);
    host.granting.to(host.manager);
    await host.granting.giveAll(options.takenOver);
    return host;
  }

  /** Makes a session, which starts. */
  async create(id = 'main'): Promise<Session> {
    const { session } = await this.manager.create(WORKSPACE, id, { account_id: null, proxy: null }, true);
    return session;
  }

  session(id = 'main'): Session {
    return this.manager.get(WORKSPACE, id);
  }

  /** Waits for the QR, scans it with a phone, and returns when the session is ready. */
  async link(session: Session, phone: string): Promise<void> {
    const { code } = await eventually(() => session.links.current);
    await this.#whatsapp.post('/scan', { qr: code, phone });
    await this.reaches(session, 'ready');
  }

  /** A session that is made and linked. */
  async linked(phone: string, id = 'main'): Promise<Session> {
    const session = await this.create(id);
    await this.link(session, phone);
    return session;
  }

  async reaches(session: Session, status: SessionStatus, timeoutMs = 25_000): Promise<void> {
    await eventually(() => session.status === status, timeoutMs).catch((error: unknown) => {
      const last = this.log
        .slice(-5)
        .map((line) => JSON.stringify(line))
        .join('\n');
      throw new Error(`the session is ${session.status}, not ${status} (${String(error)})\n${last}`);
    });
  }

  /** How often a session came to a state. */
  times(status: SessionStatus, id = 'main'): number {
    return this.history.filter((entry) => entry === `${id} ${status}`).length;
  }

  /** Pauses that were decided after losses, milliseconds, in order. */
  pauses(): unknown[] {
    return this.log.filter((line) => 'retry_in_ms' in line).map((line) => line['retry_in_ms']);
  }

  logged(message: string | RegExp): LogLine[] {
    return this.log.filter((line) =>
      typeof message === 'string' ? line.msg.includes(message) : message.test(line.msg),
    );
  }

  generation(session: Session): GenerationName {
    const { workspace_id: workspace, session_id, generation } = session.record;
    return { workspace, session: session_id, generation };
  }

  /** Ends the sessions, what is left of their browsers, and removes the session path unless it was given. */
  async close(): Promise<void> {
    await this.manager.close(20_000);
    await killBrowsersUnder([this.root]);
    if (!this.#keepRoot)
      await rm(this.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
