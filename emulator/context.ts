import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Clock, systemClock } from '../common/clock.ts';
import { createApp, finishApp, mountRoutes } from '../common/http/app.ts';
import { listen } from '../common/http/server.ts';
import { Lifecycle } from '../common/lifecycle.ts';
import { createLogger, type Logger } from '../common/logger.ts';
import { Connections } from './server/connections.ts';
import { controlRoutes } from './server/control/routes.ts';
import { Directory } from './server/directory.ts';
import { Faults, type GlobalFaults } from './server/faults.ts';
import { Groups } from './server/groups.ts';
import { createHost, listenHost } from './server/https.ts';
import { Journal } from './server/journal.ts';
import { Ledger } from './server/ledger.ts';
import { Linking } from './server/linking.ts';
import { MediaStore } from './server/media.ts';
import { Messenger } from './server/messenger.ts';
import { PageFiles } from './server/page-files.ts';
import { keptTlsIdentity, Persistence } from './server/persistence.ts';
import { Post } from './server/post.ts';
import { Sockets } from './server/sockets.ts';
import { Timers } from './server/timers.ts';
import { makeTlsIdentity, spkiOf } from './server/tls.ts';

/** How an emulator is started. Everything has a default. */
export interface EmulatorOptions {
  /** Of the page's HTTPS server; 0 (default): a free one. */
  port?: number | undefined;
  /** Of the control API; 0 (default): a free one. */
  controlPort?: number | undefined;
  /** Where both listen; default 127.0.0.1. */
  bindAddress?: string | undefined;
  /** A directory that keeps accounts, media and the TLS key over restarts. Default: nothing is kept. */
  data?: string | undefined;
  /** Where `index.html` and `page.js` are. Default: where the build puts them. */
  pageDirectory?: string | undefined;
  /** Faults from the start, and after each reset. */
  faults?: Partial<GlobalFaults> | undefined;
  /** Entries the log keeps; default 100 000. */
  logCapacity?: number | undefined;
  log?: Logger | undefined;
  clock?: Clock | undefined;
}

/** An emulator that runs. */
export interface Emulator {
  httpsPort: number;
  controlUrl: string;
  /** For `--ignore-certificate-errors-spki-list`. */
  spki: string;
  /** Saves what is to be kept, cuts all connections and listens no more. */
  close(): Promise<void>;
}

const LOG_CAPACITY = 100_000;
const CONNECTIONS_KEPT = 10_000;
const CONTROL_BODY_LIMIT = 1024 * 1024;
const CLOSE_DEADLINE = 5000;

/**
 * Starts an emulator of web.whatsapp.com and the phones.
 *
 * @throws WharfError `port_taken`; `config_invalid` when the data directory holds something else
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const log = options.log ?? createLogger('warn', { service: 'emulator' }, process.stderr);
  const clock = options.clock ?? systemClock;
  const lifecycle = new Lifecycle(log, CLOSE_DEADLINE);
  const timers = new Timers();
  const faults = new Faults(options.faults);
  const journal = new Journal(clock, options.logCapacity ?? LOG_CAPACITY);
  const ledger = new Ledger(clock);
  const directory = new Directory(clock, faults);
  const connections = new Connections(clock, journal, CONNECTIONS_KEPT);
  const post = new Post({ clock, journal, faults, timers, connections, ledger });
  const messenger = new Messenger({ clock, journal, faults, timers, directory, ledger, post });
  const linking = new Linking({ clock, journal, faults, timers, directory });
  const groups = new Groups(clock, directory, post);

  const { data } = options;
  const tls = data === undefined ? await makeTlsIdentity() : await keptTlsIdentity(data);
  const media = new MediaStore(data === undefined ? undefined : join(data, 'media'));
  const persistence = data === undefined ? undefined : new Persistence(data, directory, ledger, log);
  await persistence?.load();
  const changed = () => persistence?.changed();

  const page = new PageFiles(options.pageDirectory ?? builtPageDirectory(), faults);
  const host = createHost({ log, tls, journal, faults, directory, media, page });
  const sessionParts = {
    journal,
    faults,
    timers,
    connections,
    directory,
    linking,
    messenger,
    groups,
    post,
    changed,
    now: () => clock.now(),
  };
  const bindAddress = options.bindAddress ?? '127.0.0.1';
  const httpsPort = await listenHost(host, options.port ?? 0, bindAddress);
  const sockets = new Sockets(host, sessionParts, log);
  if (persistence !== undefined) lifecycle.add('saved accounts', () => persistence.save());
  lifecycle.add('page host', () => {
    const closed = new Promise<void>((resolve) => host.close(() => resolve()));
    host.closeAllConnections();
    return closed;
  });
  lifecycle.add('timers', () => timers.clear());
  lifecycle.add('sockets', () => sockets.close());

  const dropAll = () => {
    for (const connection of connections.open()) connection.drop('dropped_by_fault');
  };
  const app = createApp(log);
  const control = {
    clock,
    journal,
    faults,
    directory,
    ledger,
    connections,
    linking,
    messenger,
    groups,
    post,
    media,
    changed,
    saved: async () => persistence?.save(),
    startedAt: clock.now(),
    configured: () => {
      sockets.restartPings();
      if (faults.all.outage) dropAll();
    },
    reset: () => {
      dropAll();
      timers.clear();
      for (const part of [directory, ledger, media]) part.clear();
      faults.reset();
      sockets.restartPings();
      journal.add('reset');
      changed();
    },
  };
  mountRoutes(app, controlRoutes(control), {
    log,
    bodyLimit: CONTROL_BODY_LIMIT,
    authenticate: () => null,
    anyone: null,
  });
  finishApp(app, log);
  try {
    const server = await listen(app, options.controlPort ?? 0, bindAddress);
    lifecycle.add('control API', () => server.close(0));
    return {
      httpsPort,
      controlUrl: server.url,
      spki: spkiOf(tls.cert),
      close: async () => {
        await lifecycle.close();
      },
    };
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
}

/** Beside this file when it is built, under `dist/` when it runs from source. */
function builtPageDirectory(): string {
  const beside = fileURLToPath(new URL('./page', import.meta.url));
  if (existsSync(join(beside, 'page.js'))) return beside;
  return fileURLToPath(new URL('../dist/emulator/page', import.meta.url));
}
