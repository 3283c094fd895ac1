import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '../../chaos/real/asking.ts';
import type { Share } from '../options.ts';
import { Emulator } from './emulator.ts';
import { Machine } from './machine.ts';
import { makeNetwork } from './network.ts';
import { RouterApi } from './router-api.ts';
import { Unit } from './unit.ts';

/** The machines and their numbers: one with Redis, the file server, a router and the backup service; two with an instance each. */
const NUMBERS = { hub: 1, one: 2, two: 3 } as const;

/** How long a session may take to be somewhere, milliseconds. */
const PATIENCE = 300_000;

/** A linked session, and where its workspace is at home. */
export interface LinkedSession {
  workspace: number;
  session: string;
  phone: string;
  home: string;
}

/** Sessions that are linked: two at home on instance-1, one on instance-2 (`workspace_id % 2`). */
const SESSIONS: readonly LinkedSession[] = [
  { workspace: 0, session: 'first', phone: '491700000001', home: 'instance-1' },
  { workspace: 1, session: 'second', phone: '491700000002', home: 'instance-2' },
  { workspace: 2, session: 'third', phone: '491700000003', home: 'instance-1' },
];

export interface FleetOptions {
  /** The Debian system of all machines. */
  root: string;
  /** Where the machines' files go. */
  directory: string;
  groups: readonly string[];
  /** A directory with packages: `/srv/packages` in the machines. */
  packages: string;
  share: Share;
}

/** Three machines with Wharf, and WhatsApp outside of them. */
export class Fleet {
  readonly hub: Machine;
  readonly one: Machine;
  readonly two: Machine;
  readonly emulator: Emulator;
  readonly share: Share;
  readonly sessions = SESSIONS;
  /** What must never show in a log; known once the installer has made it. */
  readonly secrets = { token: '(none yet)', adminKey: '(none yet)' };

  /** Makes the network and the machines, all off. */
  static async make({ root, directory, groups, packages, share }: FleetOptions): Promise<Fleet> {
    await makeNetwork();
    const shared = join(directory, 'share');
    await mkdir(shared);
    const machine = async (name: keyof typeof NUMBERS) =>
      await Machine.make({
        ...{ name, number: NUMBERS[name], peers: NUMBERS, root, directory, groups },
        binds: {
          '/srv/packages': packages,
          // What an installation on one machine alone would have on its own disk, all three have here.
          ...(share === 'local' ? { '/var/lib/wharf-share': shared } : {}),
        },
      });
    const machines = [await machine('hub'), await machine('one'), await machine('two')] as const;
    return new Fleet(machines, await Emulator.start(), share);
  }

  private constructor(
    [hub, one, two]: readonly [Machine, Machine, Machine],
    emulator: Emulator,
    share: Share,
  ) {
    this.share = share;
    this.hub = hub;
    this.one = one;
    this.two = two;
    this.emulator = emulator;
  }

  get url(): string {
    return `http://${this.hub.address}:3000`;
  }

  get api(): RouterApi {
    return new RouterApi(this.url, this.secrets.adminKey);
  }

  get machines(): readonly [Machine, Machine, Machine] {
    return [this.hub, this.one, this.two];
  }

  get router(): Unit {
    return new Unit(this.hub, 'wharf-router.service');
  }

  get backup(): Unit {
    return new Unit(this.hub, 'wharf-backup.service');
  }

  /** The unit of instance-1 or instance-2. */
  instance(number: 1 | 2): Unit {
    return new Unit(number === 1 ? this.one : this.two, `wharf-instance@${number}.service`);
  }

  get instances(): readonly [Unit, Unit] {
    return [this.instance(1), this.instance(2)];
  }

  /** Links every session with a phone. Answers the seconds from each one's creation to its QR, and from the scan to ready. */
  async link(): Promise<{ qr: number; ready: number }[]> {
    const took: { qr: number; ready: number }[] = [];
    for (const { workspace, session, phone } of SESSIONS) {
      const begun = performance.now();
      await this.api.must('POST', '/api/whatsapp/sessions', { workspace_id: workspace, session_id: session });
      const { qr } = await this.api.until(
        `/api/whatsapp/sessions/${session}/qr?wait=30`,
        (answer) => typeof answer['qr'] === 'string',
      );
      const shown = performance.now();
      await this.emulator.scan(String(qr), phone);
      await this.api.until(`/api/whatsapp/sessions/${session}`, isReady);
      took.push({ qr: (shown - begun) / 1000, ready: (performance.now() - shown) / 1000 });
    }
    await this.emulator.allLinked();
    return took;
  }

  /** Waits until sessions are ready in browsers that came at a time (wall clock, ms) or later, wherever. */
  async readySince(since: number, sessions: readonly LinkedSession[] = SESSIONS): Promise<void> {
    for (const { session, phone } of sessions) {
      const end = performance.now() + PATIENCE;
      while (!(await this.emulator.connectedSince(phone, since))) {
        if (performance.now() > end) throw new Error(`${session} does not come back`);
        await sleep(50);
      }
      await this.api.until(`/api/whatsapp/sessions/${session}`, isReady);
    }
  }

  /** Where a session is. */
  async instanceOf({ session }: LinkedSession): Promise<string> {
    return String((await this.api.must('GET', `/api/whatsapp/sessions/${session}`))['instance']);
  }

  /** Brings every workspace home, and waits until all is as it should be: no fault of before is felt by the next. */
  async settle(): Promise<void> {
    await this.api.until('/api/fleet', (fleet) => {
      const instances = fleet['instances'] as Json[];
      return instances.length === 2 && instances.every(({ verdict }) => verdict === 'healthy');
    });
    for (const each of SESSIONS) await this.#bringHome(each);
  }

  async #bringHome({ workspace, session, home }: LinkedSession): Promise<void> {
    const path = `/api/whatsapp/sessions/${session}`;
    const end = performance.now() + PATIENCE;
    for (;;) {
      const answer = await this.api.ask('GET', path);
      const body = answer.kind === 'answered' ? answer.body : {};
      if (isReady(body) && body['instance'] === home) return;
      if (performance.now() > end) throw new Error(`${session} does not come home: ${JSON.stringify(body)}`);
      // By name: a rebalance leaves an instance alone that has died lately. Refused while it does not take any, or something moves.
      if (isReady(body)) await this.api.ask('POST', `/api/fleet/workspaces/${workspace}/move`, { to: home });
      await sleep(1000);
    }
  }

  async close(): Promise<void> {
    await this.emulator.close();
  }
}

function isReady(answer: Json): boolean {
  return answer['status'] === 'ready';
}
