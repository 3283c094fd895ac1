import { randomUUID } from 'node:crypto';
import { createLogger } from '../../common/logger.ts';
import type { Coordination, LeaseHolder } from '../../fleet/coordination.ts';
import { FileClaims } from '../../fleet/file-claims.ts';
import { OWNERSHIP_TIMES } from '../../fleet/ownership-times.ts';
import type { SessionDetail } from '../../fleet/records.ts';
import { PROTOCOL_VERSION } from '../../fleet/records.ts';
import { SessionPaths } from '../../fleet/session-paths.ts';
import { hostClock } from '../../instance/supervisor/host-clock.ts';
import { OwnershipKeeper } from '../../instance/supervisor/keeper.ts';
import type { Grant, Worker } from '../../instance/supervisor/worker.ts';
import { FakeInstance, fakeSession } from './fake-instance.ts';
import type { TestFleet } from './router.ts';

/** What a kept instance needs. */
export interface KeptOptions {
  id: string;
  fleet: TestFleet;
  coordination: Coordination;
  /** The sessions of each workspace, as the shared storage has them: workspace -> session ids. */
  storage: ReadonlyMap<string, readonly string[]>;
  capacity?: number;
  /** Milliseconds a session takes to be ready after its start. */
  startTime?: number;
  /** Milliseconds its close takes. */
  closeTime?: number;
}

/**
 * An instance with the real keeper of its ownership: it holds a lease, claims on the storage, and follows orders as a real one does. Only
 * what it runs is fake: sessions without a browser, which are ready a moment after they start.
 */
export class KeptInstance {
  readonly #options: KeptOptions;
  #fake: FakeInstance | undefined;
  #keeper: OwnershipKeeper | undefined;
  #life: { stop: AbortController; ended: Promise<unknown>; unpoke: () => Promise<void> } | undefined;
  #restarting: Promise<void> | undefined;
  #owned = new Map<string, { instance: string; epoch: number }>();
  #port: number | undefined;
  /** Lives it had. */
  lives = 0;

  constructor(options: KeptOptions) {
    this.#options = options;
  }

  get id(): string {
    return this.#options.id;
  }

  /** What answers for it; another one after each restart. */
  get fake(): FakeInstance {
    if (!this.#fake) throw new Error(`${this.id} is not running`);
    return this.#fake;
  }

  /** The workspaces it runs. */
  get workspaces(): string[] {
    return [...this.#owned.keys()];
  }

  async start(): Promise<this> {
    const { id, fleet, coordination, capacity = 100 } = this.#options;
    this.#owned = new Map();
    const claims = this.#owned;
    const fake = new FakeInstance({
      id,
      registry: fleet.registry,
      coordination,
      token: fleet.token,
      claims,
      capacity,
      ...(this.#port === undefined ? {} : { port: this.#port }),
    });
    fake.intercept = (request, response) => {
      if (request.method !== 'POST' || request.url !== '/restart')
        return this.#notReady(request.url, response);
      response.writeHead(202);
      response.end('{}');
      this.#restarting = this.#restart();
      return true;
    };
    await fake.start();
    this.#fake = fake;
    this.#port = fake.port;
    this.lives += 1;
    const keeper = new OwnershipKeeper({
      holder: this.#holder(fake.incarnation),
      predecessors: [],
      predecessorsEnded: true,
      coordination,
      claims: new FileClaims(new SessionPaths(fleet.sessionPath)),
      worker: this.#worker(fake),
      clock: hostClock,
      times: OWNERSHIP_TIMES,
      log: createLogger('silent', {}),
    });
    this.#keeper = keeper;
    const stop = new AbortController();
    const unpoke = await coordination.onPoke(id, () => keeper.poke());
    this.#life = { stop, ended: keeper.run(stop.signal), unpoke };
    return this;
  }

  /** Makes a workspace's first sessions here: those that the storage has. */
  async claim(workspace: string): Promise<void> {
    await this.#keeper?.claimFirst(workspace);
  }

  /** Ends cleanly: closes and releases all, and gives its lease up for a while. */
  async stop(): Promise<void> {
    await this.#restarting;
    await this.#end();
  }

  async #end(): Promise<void> {
    const [life, fake] = [this.#life, this.#fake];
    this.#life = undefined;
    life?.stop.abort();
    await life?.ended;
    await life?.unpoke();
    await fake?.stop();
  }

  async #restart(): Promise<void> {
    await this.#end();
    await this.start();
  }

  #notReady(
    path: string | undefined,
    response: Parameters<NonNullable<FakeInstance['intercept']>>[1],
  ): boolean {
    const match = /^\/workspaces\/([^/]+)\/sessions\/([^/]+)\/(messages|chats|contacts|numbers)/.exec(
      path ?? '',
    );
    const session = match && this.fake.sessions.get(`${match[1]}/${match[2]}`);
    if (!session || session.status === 'ready') return false;
    response.writeHead(409, { 'Content-Type': 'application/problem+json' });
    const problem = {
      type: 'urn:wharf:error:session_not_ready',
      title: 'x',
      status: 409,
      detail: 'x',
      code: 'session_not_ready',
    };
    response.end(JSON.stringify({ ...problem, request_id: 'fake', session_status: session.status }));
    return true;
  }

  #holder(incarnation: string): LeaseHolder {
    return {
      instance: this.id,
      incarnation,
      protocol: PROTOCOL_VERSION,
      host: { name: `host-of-${this.id}`, boot: `boot-of-${this.id}` },
      pid: process.pid,
      pid_start: '1',
      beacon: randomUUID(),
      started_at: new Date().toISOString(),
    };
  }

  #worker(fake: FakeInstance): Worker {
    const end = async (workspace: string) => {
      this.#owned.delete(workspace);
      for (const session of this.#options.storage.get(workspace) ?? []) {
        if (!fake.sessions.delete(`${workspace}/${session}`)) continue;
        await this.#options.fleet.registry.removeSession(this.id, workspace, session);
      }
      return true;
    };
    return {
      run: (grant) => void this.#run(fake, grant).catch(() => undefined),
      extend: () => undefined,
      kill: end,
      close: async (workspace) => {
        await hostClock.sleep(this.#options.closeTime ?? 0);
        return end(workspace);
      },
      closeAll: async () => {
        const workspaces = this.workspaces;
        await Promise.all(workspaces.map(end));
        return workspaces;
      },
    };
  }

  async #run(fake: FakeInstance, { workspace, epoch, startAt }: Grant): Promise<void> {
    const { storage, startTime = 100 } = this.#options;
    this.#owned.set(workspace, { instance: this.id, epoch });
    const sessions = (storage.get(workspace) ?? []).map((session) =>
      fakeSession(workspace, session, this.id, { epoch }),
    );
    for (const session of sessions) fake.sessions.set(`${workspace}/${session.session_id}`, session);
    for (const session of sessions) await this.#options.fleet.registry.publishSession(this.id, session);
    await hostClock.sleep(Math.max(0, startAt - hostClock.monotonic()) + startTime);
    for (const { session_id } of sessions) {
      if (this.#stillRuns(fake, workspace, session_id, epoch))
        await fake.setStatus(workspace, session_id, 'ready');
    }
  }

  #stillRuns(fake: FakeInstance, workspace: string, session: string, epoch: number): boolean {
    const known: SessionDetail | undefined = fake.sessions.get(`${workspace}/${session}`);
    return this.#owned.get(workspace)?.epoch === epoch && known !== undefined;
  }
}
