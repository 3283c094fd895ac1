import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../helpers/eventually.ts';
import { signalOne } from '../../helpers/processes.ts';
import type { Watch } from './watch.ts';
import type { WatchedFleet } from './watched-fleet.ts';

/** Workspaces with one session each; even ones are at home on one instance, odd ones on the other. */
const WORKSPACES = [1, 2, 3, 4];
const phoneOf = (workspace: number) => `4917000000${workspace}0`;
const CUSTOMER = '491701234567';
const PRIORITIES = ['critical', 'high', 'normal', 'low'];

/** Everything that happens to a fleet in a day, within a few minutes: what dashboards have something to show of. */
export class Life {
  readonly #fleet: WatchedFleet;
  readonly #watch: Watch;
  readonly #say: (text: string) => void;
  readonly #over = new AbortController();

  constructor(fleet: WatchedFleet, watch: Watch, say: (text: string) => void) {
    this.#fleet = fleet;
    this.#watch = watch;
    this.#say = say;
  }

  /** Lives through it. Throws where something does not come to pass. */
  async go(): Promise<void> {
    const receiver = await startReceiver();
    const going: Promise<unknown>[] = [];
    try {
      await this.#link();
      await this.#must(
        'PUT',
        '/api/whatsapp/workspaces/1/webhook',
        { url: receiver.url, events: ['*'] },
        [200, 201],
      );
      // One that takes nothing.
      await this.#must(
        'PUT',
        '/api/whatsapp/workspaces/2/webhook',
        { url: 'http://127.0.0.1:9/', events: ['*'] },
        [200, 201],
      );
      // The environment's admin key tells nobody its age.
      await this.#must('POST', '/api/fleet/keys', { name: 'watched' }, [201]);
      // Only of keys that are made to expire, and not soon, it is told when.
      const expires_at = new Date(Date.now() + 90 * 86_400_000).toISOString();
      await this.#must('POST', '/api/fleet/keys', { name: 'watched until then', expires_at }, [201]);
      going.push(this.#fleet.follow(this.#over.signal), this.#chat());
      this.#say('messages go and come, webhooks and a stream tell of them');
      await sleep(20_000);
      this.#say('a backup, and its verification');
      await this.#fleet.wharf('backup', 'run');
      await this.#fleet.wharf('backup', 'verify');
      this.#say('workspace 1 is moved');
      await this.#fleet.wharf(
        'move',
        '1',
        (await this.#homeOf(1)) === 'instance-1' ? 'instance-2' : 'instance-1',
      );
      await sleep(10_000);
      await this.#lose('instance-2');
      await sleep(20_000);
    } finally {
      this.#over.abort();
      await Promise.allSettled(going);
      await receiver.close();
    }
  }

  async #link(): Promise<void> {
    for (const workspace of WORKSPACES) {
      const session = `watched${workspace}`;
      await this.#fleet.wharf('sessions', 'create', String(workspace), session);
      await this.#fleet.wharf('phone', 'scan', session, '--phone', phoneOf(workspace));
    }
    this.#say(`${WORKSPACES.length} sessions are linked`);
  }

  /** Messages in both directions, until it is over. */
  async #chat(): Promise<void> {
    for (let turn = 0; !this.#over.signal.aborted; turn += 1) {
      const workspace = WORKSPACES[turn % WORKSPACES.length] as number;
      const path = `/api/whatsapp/sessions/watched${workspace}/messages?workspace_id=${workspace}`;
      const later = turn % 10 === 9 ? { send_at: new Date(Date.now() + 3_600_000).toISOString() } : {};
      const priority = PRIORITIES[turn % PRIORITIES.length];
      await this.#fleet
        .ask('POST', path, { to: CUSTOMER, text: `message ${turn}`, priority, ...later })
        .catch(() => {});
      await this.#fleet.deliver(phoneOf(workspace), CUSTOMER, `answer ${turn}`).catch(() => {});
      await sleep(400, undefined, { signal: this.#over.signal }).catch(() => {});
    }
  }

  /** An instance is stopped where it is, as a machine that is gone is, until all of its workspaces are elsewhere; then it goes on. */
  async #lose(instance: string): Promise<void> {
    const pids = await this.#fleet.processesOf(instance);
    this.#say(`${instance} is lost`);
    for (const pid of pids) signalOne(pid, 'SIGSTOP');
    try {
      await eventually(async () => (await this.#watch.value('sum(wharf_takeovers_total)')) > 0, 120_000);
      this.#say('its workspaces are taken over');
      await eventually(
        async () => (await this.#watch.value('sum(wharf_takeover_ready_seconds_count)')) > 0,
        120_000,
      );
      // Alarms that wait for a while see it too.
      await sleep(15_000);
    } finally {
      for (const pid of pids) signalOne(pid, 'SIGCONT');
    }
    await eventually(
      async () => (await this.#watch.value('count(up{job="wharf-instance"} == 1)')) === 2,
      120_000,
    );
    this.#say(`${instance} is back`);
  }

  async #homeOf(workspace: number): Promise<string> {
    const { text } = await this.#fleet.ask('GET', `/api/fleet/workspaces/${workspace}`);
    return String(JSON.parse(text).instance);
  }

  async #must(method: string, path: string, body: unknown, wanted: readonly number[]): Promise<void> {
    const { status, text } = await this.#fleet.ask(method, path, body);
    if (!wanted.includes(status)) throw new Error(`${method} ${path}: ${status} ${text}`);
  }
}

/** An application that takes every event. */
async function startReceiver(): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
