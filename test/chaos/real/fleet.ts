import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { eventually } from '../../helpers/eventually.ts';
import { GlusterVolume } from '../hosts/gluster.ts';
import type { Host } from '../hosts/host.ts';
import { HostClock } from '../hosts/host-clock.ts';
import { World } from '../hosts/world.ts';
import { type Answer, ask, type Json, mustAsk } from './asking.ts';
import { FleetRedis } from './coordination.ts';
import { InstanceHost } from './instance-host.ts';
import { WhatsApp } from './phones.ts';
import { RouterHost } from './router-host.ts';

const INSTANCES = 3;
const ROUTER_PORT = 3000;
const INSTANCE_PORT = 3001;
/** What routers, instances and a backup service show each other. */
export const INTERNAL_TOKEN = 'the-internal-token-of-the-chaos-suite-0001';
const ADMIN_KEY = 'the-admin-key-of-the-chaos-suite-00000001';

/** Each brick's size. Many generations come to lie on it. */
const MEGABYTES = 1024;

/** What a fleet is made of beyond two routers, three instances, the storage and WhatsApp. */
export interface FleetShape {
  redis: 'alone' | 'sentinels';
  /** The storage is mounted so that calls hang for as long as it is away. */
  hard: boolean;
  /** Instances have wall clocks that can be stepped. */
  clocks: boolean;
}

/** A session and the phone that linked it. */
export interface ChaosSession {
  workspace: string;
  session: string;
  phone: string;
}

const fleetViewSchema = z.looseObject({
  leader: z.string().nullable(),
  quarantined: z.array(z.union([z.string(), z.number()])),
  draining: z.array(z.string()),
  instances: z.array(z.looseObject({ id: z.string(), verdict: z.string().optional() })),
});
export type SeenFleet = z.infer<typeof fleetViewSchema>;

const detailSchema = z.looseObject({ status: z.string(), instance: z.string(), epoch: z.number() });
export type SeenSession = z.infer<typeof detailSchema>;

interface FleetParts {
  shape: FleetShape;
  world: World;
  volume: GlusterVolume;
  redis: FleetRedis;
  whatsapp: WhatsApp;
  instances: readonly InstanceHost[];
  routers: readonly RouterHost[];
}

/** A whole fleet: each process on a host of its own. What of it is broken is up to the scenarios; {@link Fleet.mend} undoes all of it. */
export class Fleet {
  readonly shape: FleetShape;
  readonly world: World;
  readonly volume: GlusterVolume;
  readonly redis: FleetRedis;
  readonly whatsapp: WhatsApp;
  readonly instances: readonly InstanceHost[];
  readonly routers: readonly RouterHost[];
  readonly sessions: ChaosSession[] = [];

  private constructor(parts: FleetParts) {
    this.shape = parts.shape;
    this.world = parts.world;
    this.volume = parts.volume;
    this.redis = parts.redis;
    this.whatsapp = parts.whatsapp;
    this.instances = parts.instances;
    this.routers = parts.routers;
  }

  /** Makes the hosts and starts everything; about 10 s. */
  static async start(shape: FleetShape, random: number): Promise<Fleet> {
    const watched = shape.redis === 'sentinels';
    const world = await World.make(
      {
        whatsapp: 1,
        storage: 3,
        'redis-1': 1,
        ...(watched ? { 'redis-2': 1, 'sentinel-1': 1, 'sentinel-2': 1, 'sentinel-3': 1 } : {}),
        'router-1': 1,
        'router-2': 1,
        ...Object.fromEntries(numbers(INSTANCES).map((number) => [`instance-${number}`, 1])),
      },
      random,
    );
    try {
      const host = (name: string) => world.host(name);
      const [volume, redis, whatsapp] = await Promise.all([
        GlusterVolume.make(host('storage'), MEGABYTES),
        watched
          ? FleetRedis.watched(
              [host('redis-1'), host('redis-2')],
              numbers(3).map((number) => host(`sentinel-${number}`)),
            )
          : FleetRedis.alone(host('redis-1')),
        WhatsApp.start(host('whatsapp'), program('emulator/main.js')),
      ]);
      const env = {
        REDIS_URL: redis.url,
        WHATSAPP_INSTANCE_COUNT: `${INSTANCES}`,
        WHARF_INTERNAL_TOKEN: INTERNAL_TOKEN,
        LOG_LEVEL: 'info',
      };
      const instances = await Promise.all(
        numbers(INSTANCES).map((number) =>
          makeInstance(host(`instance-${number}`), volume, shape, { ...env, ...whatsapp.env }),
        ),
      );
      const routers = await Promise.all(
        numbers(2).map(async (number) => {
          const on = host(`router-${number}`);
          const mount = await volume.mount(on, shape.hard);
          return new RouterHost(on, mount, program('router/main.js'), ROUTER_PORT, {
            ...env,
            BIND_ADDRESS: on.address,
            WHATSAPP_SESSION_PATH: mount.path,
            WHARF_ADMIN_KEY: ADMIN_KEY,
          });
        }),
      );
      const fleet = new Fleet({ shape, world, volume, redis, whatsapp, instances, routers });
      await Promise.all(routers.map((router) => router.start()));
      await Promise.all(instances.map((instance) => instance.start()));
      await Promise.all(instances.map((instance) => instance.up()));
      await fleet.healthy();
      return fleet;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  /** Makes sessions and links each with a phone: workspaces 1, 2, ..., and a second session in some. */
  async link(count: number): Promise<void> {
    const workspaces = Math.ceil((count * 4) / 5);
    await Promise.all(
      numbers(count).map(async (number) => {
        const session = {
          workspace: `${((number - 1) % workspaces) + 1}`,
          session: `s${number}`,
          phone: `49170${String(number).padStart(7, '0')}`,
        };
        const [router] = this.routers as [RouterHost];
        const headers = { 'x-api-key': ADMIN_KEY };
        await mustAsk('POST', `${router.url}/api/whatsapp/sessions`, headers, {
          workspace_id: session.workspace,
          session_id: session.session,
        });
        const { qr } = await mustAsk('GET', `${this.#path(router, session, '/qr')}&wait=60`, headers);
        await this.whatsapp.post('/scan', { qr, phone: session.phone, name: `Phone ${number}` });
        this.sessions.push(session);
      }),
    );
    this.sessions.sort((a, b) => a.session.localeCompare(b.session));
    await this.allReady();
  }

  get workspaces(): string[] {
    return [...new Set(this.sessions.map(({ workspace }) => workspace))].sort();
  }

  /** Asks a router about a session, as a client does. `rest` is what comes after the session in the path, `more` in the query. */
  async askSession(
    router: RouterHost,
    method: string,
    session: ChaosSession,
    rest = '',
    body?: Json,
    more = '',
  ): Promise<Answer> {
    return await ask(method, this.#path(router, session, rest) + more, { 'x-api-key': ADMIN_KEY }, body);
  }

  /** An operator's request to any router that answers. Throws where none does it. */
  async operate(method: string, path: string, body?: Json): Promise<Json> {
    let reason = '';
    for (const router of this.routers) {
      const answer = await ask(method, `${router.url}${path}`, { 'x-api-key': ADMIN_KEY }, body, 15_000);
      if (answer.kind === 'answered' && answer.status < 300) return answer.body;
      reason = answer.kind === 'answered' ? JSON.stringify(answer.body) : answer.reason;
    }
    throw new Error(`no router answers ${method} ${path}: ${reason}`);
  }

  /** The fleet as a router sees it. */
  async view(): Promise<SeenFleet> {
    return fleetViewSchema.parse(await this.operate('GET', '/api/fleet'));
  }

  /** What happened, in the words of the routers. */
  async events(): Promise<unknown> {
    return await this.operate('GET', '/api/fleet/events');
  }

  /** The router that leads; waits until one does. */
  async leader(): Promise<RouterHost> {
    return await eventually(async () => {
      const { leader } = await this.view().catch(() => ({ leader: null }));
      // One that was killed is named for as long as its lease lasts.
      return this.routers.find(
        ({ id, process }) => !process.hasEnded && leader?.startsWith(`router-${id}-${process.pid}-`),
      );
    }, 60_000);
  }

  /** How a session is, as its instance says; undefined where nobody answers. */
  async seen(session: ChaosSession, router = this.#anyRouter()): Promise<SeenSession | undefined> {
    const answer = await this.askSession(router, 'GET', session);
    const parsed = answer.kind === 'answered' ? detailSchema.safeParse(answer.body) : undefined;
    return parsed?.data;
  }

  /** The instance that a session is on now. */
  async owner(session: ChaosSession): Promise<InstanceHost> {
    return await eventually(async () => {
      const seen = await this.seen(session);
      return this.instances.find(({ id }) => id === seen?.instance);
    }, 60_000);
  }

  /** Waits until every session is ready. Throws with how they are when that takes too long. */
  async allReady(milliseconds = 120_000): Promise<void> {
    const states = new Map<string, string>();
    const all = eventually(async () => {
      const seen = await Promise.all(
        this.sessions.map(async (session) => {
          const detail = await this.seen(session);
          const state = detail === undefined ? 'no answer' : `${detail.status} on ${detail.instance}`;
          states.set(session.session, `${state} ${String(detail?.['last_error'] ?? '')}`.trim());
          return detail?.status === 'ready';
        }),
      );
      return seen.every(Boolean);
    }, milliseconds);
    await all.catch(() => {
      throw new Error(
        `not all sessions were ready within ${milliseconds / 1000} s: ${[...states].map(([id, state]) => `${id} ${state}`).join('; ')}`,
      );
    });
  }

  /** Waits until a leader sees every instance as healthy. */
  async healthy(): Promise<void> {
    await eventually(async () => {
      const view = await this.view().catch(() => undefined);
      if (view === undefined || view.leader === null) return false;
      return this.instances.every(
        ({ id }) => view.instances.find((each) => each.id === id)?.verdict === 'healthy',
      );
    }, 90_000);
  }

  /** Undoes every fault: cables, stopped processes, killed servers and processes, clocks. */
  async mend(): Promise<void> {
    await this.world.network.healAll();
    for (const host of this.world.hosts) await host.signalAll('SIGCONT');
    await Promise.all(this.volume.bricks.map((brick) => brick.free()));
    await this.volume.startBricks();
    await this.redis.mend();
    const members = [...this.routers, ...this.instances];
    await Promise.all(members.map(({ mount }) => mount.mend()));
    await Promise.all(this.instances.map(({ clock }) => clock?.set(0)));
    await Promise.all(this.routers.filter(({ process }) => process.hasEnded).map((router) => router.start()));
    await Promise.all(
      this.instances.filter(({ supervisor }) => supervisor.hasEnded).map((instance) => instance.start()),
    );
    await Promise.all(this.instances.map((instance) => instance.up()));
  }

  /** Brings every workspace home, as an operator does, and waits until no move is under way. */
  async rebalanced(): Promise<void> {
    await this.operate('POST', '/api/fleet/rebalance', {});
    await eventually(async () => {
      const { moves } = await this.operate('GET', '/api/fleet/moves?state=under_way');
      return Array.isArray(moves) && moves.length === 0;
    }, 120_000);
  }

  /** The claims of a workspace on the storage, by epoch, with their bytes. */
  async claims(workspace: string): Promise<Map<number, string>> {
    const [router] = this.routers as [RouterHost];
    const directory = new SessionPaths(router.mount.path).owners(workspace);
    const outside = router.host.outside(directory);
    const names = (await readdir(outside)).filter((name) => /^\d+$/.test(name));
    // Read by a process of the host: a storage that hangs must not take this process's threads.
    const texts = await Promise.all(names.map((name) => router.host.run('cat', [join(directory, name)])));
    return new Map(names.map((name, index) => [Number(name), texts[index] as string]));
  }

  /** Ends everything; nothing stays. */
  async close(): Promise<void> {
    await this.world.close();
  }

  #anyRouter(): RouterHost {
    return (this.routers.find(({ process }) => !process.hasEnded) ?? this.routers[0]) as RouterHost;
  }

  #path(router: RouterHost, { workspace, session }: ChaosSession, rest: string): string {
    return `${router.url}/api/whatsapp/sessions/${session}${rest}?workspace_id=${workspace}`;
  }
}

async function makeInstance(
  host: Host,
  volume: GlusterVolume,
  shape: FleetShape,
  env: Readonly<Record<string, string>>,
): Promise<InstanceHost> {
  const mount = await volume.mount(host, shape.hard);
  return new InstanceHost(
    host,
    mount,
    program('instance/supervisor/main.js'),
    {
      ...env,
      INSTANCE_ID: host.name,
      PORT: `${INSTANCE_PORT}`,
      BIND_ADDRESS: host.address,
      WHATSAPP_SESSION_PATH: mount.path,
      WHATSAPP_MAX_SESSIONS_PER_INSTANCE: '20',
      // A session that lost its page is tried again sooner than in production: it is not what is measured.
      WHATSAPP_RECONNECT_BASE_DELAY: '1000',
      WHATSAPP_HEALTH_CHECK_INTERVAL: '10000',
    },
    shape.clocks ? await HostClock.make(host) : undefined,
  );
}

/** 1 to a number. */
function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** A built program. From the sources, as in a test, the same as from dist/. */
function program(path: string): string {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  return join(root.replace(/\/dist\/$/, '/'), 'dist', path);
}
