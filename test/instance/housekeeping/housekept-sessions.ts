import type { Clock } from '../../../common/clock.ts';
import { FileClaims } from '../../../fleet/file-claims.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { ClockWatch } from '../../../instance/housekeeping/clock-watch.ts';
import { Trash } from '../../../instance/profile/trash.ts';
import type { Session } from '../../../instance/session/session.ts';
import { SessionManager } from '../../../instance/session/session-manager.ts';
import { SessionStore } from '../../../instance/session/session-store.ts';
import { eventually } from '../../helpers/eventually.ts';
import { Granting } from '../../helpers/granting.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { FakeClients } from '../helpers/fake-clients.ts';
import { memoryParts } from '../helpers/session-parts.ts';

/** Two clocks that are set by hand. Sessions sleep on them for ever; who waits for sessions, for a moment. */
class SetClock implements Clock {
  wall = Date.UTC(2026, 0, 1);
  #monotonic = 0;

  now(): number {
    return this.wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  /** Time passes. */
  pass(milliseconds: number): void {
    this.wall += milliseconds;
    this.#monotonic += milliseconds;
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.pass(milliseconds);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }

  /** The same time, on which nobody wakes. */
  get still(): Clock {
    return {
      now: () => this.now(),
      monotonic: () => this.monotonic(),
      sleep: async (milliseconds, signal) => {
        signal?.throwIfAborted();
        if (milliseconds === 0) return;
        await new Promise((_resolve, reject) =>
          signal?.addEventListener('abort', () => reject(signal.reason), { once: true }),
        );
      },
    };
  }
}

/** Sessions of an instance on real files, with scripted browsers: those that start come to be ready while `comeBack` holds, or ask for a QR where their number is named. */
export async function housekeptSessions() {
  const root = await temporaryDirectory();
  const paths = new SessionPaths(root);
  const clock = new SetClock();
  const told = { comeBack: true, asksForQr: new Set<number>() };
  const clients = new FakeClients({
    start: async (client) => {
      if (told.asksForQr.has(client.ordinal)) setImmediate(() => client.events.qr('2@code'));
      else if (told.comeBack) setImmediate(() => client.becomeReady());
    },
  });
  const store = new SessionStore(paths);
  const trash = new Trash(paths, clock);
  const memory = memoryParts(clients, { store, trash, clock: clock.still });
  const granting = new Granting(new FileClaims(paths), {
    instance: 'instance-1',
    incarnation: 'a',
    host: 'here',
  });
  const manager = new SessionManager({
    ownership: granting.ownership,
    capacity: 100,
    host: 'here',
    closeWithin: 5000,
    log: memory.parts.log,
    onChange: () => {},
    onRemove: () => {},
    onLeave: () => {},
    parts: memory.parts,
  });
  granting.to(manager);
  /** A session that is ready. */
  const ready = async (id = 'main', workspace = '7'): Promise<Session> => {
    const { session } = await manager.create(workspace, id, { account_id: null, proxy: null }, true);
    await eventually(() => session.status === 'ready');
    return session;
  };
  const { log } = memory.parts;
  /** A clock elsewhere: it goes as this host's monotonic one does, from the same moment, until it is set or away. */
  const others = { start: clock.now(), isAway: false };
  const othersTime = async () => {
    if (others.isAway) throw new Error('The Redis of this test is away.');
    return others.start + clock.monotonic();
  };
  const watch = () => new ClockWatch({ clock, others: othersTime, log });
  const { lines, profiles } = memory;
  return {
    clients,
    clock,
    granting,
    lines,
    log,
    manager,
    others,
    othersTime,
    paths,
    profiles,
    ready,
    store,
    told,
    trash,
    watch,
  };
}
