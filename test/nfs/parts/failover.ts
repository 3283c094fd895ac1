import { setTimeout as sleep } from 'node:timers/promises';
import type { MachineFleet } from '../machines/fleet.ts';
import type { Machine } from '../machines/machine.ts';
import { Outside } from '../machines/outside.ts';
import { Router, startInstance } from '../machines/wharf.ts';
import { say } from '../say.ts';

type Json = Record<string, unknown>;

/** How the owner's machine is lost. */
export type Loss = 'cut off' | 'powered off';

const PHONE = '491700000001';
const FRIEND = '491800000001';
const PATH = '/api/whatsapp/sessions/first';
/** Between two questions for the session, milliseconds: each costs an emulated machine some. */
const POLL = 1000;
/** How long anything may take: machines are emulated. */
const PATIENCE = 600_000;
/** The owner works so long before it is lost. */
const WORK = 30_000;
/** How long it is watched after a client that was cut off is back. */
const WATCH = 90_000;

export interface Failover {
  loss: Loss;
  /** Seconds from the creation of the session to its QR, and from the scan to ready: what this machine is able to. */
  first_qr: number;
  first_ready: number;
  /** Seconds from the loss: the other instance named as owner, and ready there; null: never. */
  owner_changed: number | null;
  ready_again: number | null;
  /** Statuses that were seen after the loss, in their order. */
  statuses: string[];
  qr_asked: number;
  /** Messages delivered before and after the loss, and those of them that the session shows at the end. */
  delivered: number;
  shown: number;
  sent_acknowledged: boolean;
  /** Overlaps of two connections of the device, as the emulator saw them. */
  overlaps: unknown;
  rollbacks: number;
  /** For a client cut off: browsers it still ran 5 s before it was connected again, and 90 s after; owner at the end. */
  browsers_while_away: number | null;
  browsers_after: number | null;
  owner_at_end: string;
}

/**
 * Two instances in two machines and a router in a third, one session: its owner's machine is lost, the other takes it over.
 *
 * @param machines the one that is lost, its heir, and the router's
 */
export async function failover(
  fleet: MachineFleet,
  machines: readonly [Machine, Machine, Machine],
  loss: Loss,
): Promise<Failover> {
  const outside = await Outside.start(fleet.directory);
  try {
    const [lost, heir, door] = machines;
    const router = await Router.start(door, outside);
    say('the router is up');
    // One after the other: two that load Node at a time keep each other from meeting their deadlines.
    const processes = [
      await startInstance(lost, 'instance-1', outside),
      await startInstance(heir, 'instance-2', outside),
    ];
    say('both instances are up');
    try {
      return await new Scenario(fleet, outside, router, { lost, heir }, loss).run();
    } finally {
      for (const process of [...processes, router.process]) process.kill();
    }
  } finally {
    await outside.close();
  }
}

class Scenario {
  readonly #fleet: MachineFleet;
  readonly #outside: Outside;
  readonly #router: Router;
  readonly #lost: Machine;
  readonly #loss: Loss;
  readonly #statuses: string[] = [];
  readonly #delivered: string[] = [];

  constructor(
    fleet: MachineFleet,
    outside: Outside,
    router: Router,
    machines: { lost: Machine; heir: Machine },
    loss: Loss,
  ) {
    this.#fleet = fleet;
    this.#outside = outside;
    this.#router = router;
    this.#lost = machines.lost;
    this.#loss = loss;
  }

  async run(): Promise<Failover> {
    const first = await this.#link();
    for (let number = 1; number <= 5; number += 1) await this.#deliver(`before ${number}`);
    await sleep(WORK);
    const at = performance.now();
    if (this.#loss === 'cut off') await this.#lost.cutOff();
    else await this.#fleet.powerOff(this.#lost);
    say(`${this.#loss}`);
    const since = () => Math.round((performance.now() - at) / 100) / 10;
    const owner_changed = await this.#until((detail) => detail['instance'] === 'instance-2', since);
    say(`the other instance is the owner: ${owner_changed} s`);
    const ready_again = await this.#until(
      (detail) => detail['instance'] === 'instance-2' && detail['status'] === 'ready',
      since,
    );
    say(`ready again: ${ready_again} s`);
    await this.#deliver('after');
    let browsers_while_away: number | null = null;
    let browsers_after: number | null = null;
    if (this.#loss === 'cut off') {
      browsers_while_away = await this.#browsers();
      await this.#lost.reconnect();
      say('reconnected');
      await this.#deliver('after the return');
      await sleep(WATCH);
      browsers_after = await this.#browsers();
    }
    const sent_acknowledged = await this.#send();
    const state = (await this.#outside.emulator('GET', '/state'))['totals'] as Record<string, number>;
    const connections = await this.#outside.emulator('GET', `/connections?phone=${PHONE}`);
    const shown = await this.#shown();
    const detail = await this.#detail();
    return {
      loss: this.#loss,
      ...first,
      owner_changed,
      ready_again,
      statuses: this.#statuses,
      qr_asked: this.#statuses.filter((status) => /qr|logged_out/.test(status)).length,
      delivered: this.#delivered.length,
      shown,
      sent_acknowledged,
      overlaps: connections['overlaps'],
      rollbacks: state['rollbacks'] ?? 0,
      browsers_while_away,
      browsers_after,
      owner_at_end: String(detail?.['instance']),
    };
  }

  async #link(): Promise<{ first_qr: number; first_ready: number }> {
    const begun = performance.now();
    // Workspace 2 is at home on instance-1: homes are counted from 0.
    await this.#router.ask('POST', '/api/whatsapp/sessions', { workspace_id: '2', session_id: 'first' });
    let qr: unknown;
    while (typeof qr !== 'string' && performance.now() - begun < PATIENCE) {
      const answer = await this.#router.ask('GET', `${PATH}/qr?wait=30`).catch(() => ({}) as Json);
      qr = answer['qr'];
    }
    const shownAt = performance.now();
    const first_qr = Math.round((shownAt - begun) / 100) / 10;
    say(`QR: ${first_qr} s`);
    await this.#outside.emulator('POST', '/scan', { qr, phone: PHONE });
    const took = () => Math.round((performance.now() - shownAt) / 100) / 10;
    const first_ready = await this.#until((detail) => detail['status'] === 'ready', took);
    const owner = (await this.#detail())?.['instance'];
    say(`ready on ${String(owner)}: ${first_ready} s`);
    if (owner !== 'instance-1')
      throw new Error(`the session is on ${String(owner)}, and was to be on instance-1`);
    this.#statuses.length = 0;
    return { first_qr, first_ready: first_ready ?? Number.NaN };
  }

  /** Asks for the session until it is as wanted; notes each status that shows. Answers what the clock says then, or null. */
  async #until(wanted: (detail: Json) => boolean, clock: () => number): Promise<number | null> {
    const end = performance.now() + PATIENCE;
    while (performance.now() < end) {
      const detail = await this.#detail();
      const shown =
        detail === undefined ? 'no answer' : `${String(detail['instance'])} ${String(detail['status'])}`;
      if (this.#statuses.at(-1) !== shown) {
        this.#statuses.push(shown);
        say(`  ${shown}${detail?.['last_error'] ? `: ${String(detail['last_error'])}` : ''}`);
      }
      if (detail !== undefined && wanted(detail)) return clock();
      await sleep(POLL);
    }
    return null;
  }

  async #detail(): Promise<Json | undefined> {
    return await this.#router.ask('GET', PATH).catch(() => undefined);
  }

  async #deliver(body: string): Promise<void> {
    await this.#outside.emulator('POST', '/deliver', { phone: PHONE, from: FRIEND, body });
    this.#delivered.push(body);
  }

  async #send(): Promise<boolean> {
    const message = { to: FRIEND, text: 'still here' };
    await this.#router.ask('POST', `${PATH}/messages?wait=60`, message).catch((error) => say(String(error)));
    const { sent } = (await this.#outside.emulator('GET', `/sent?phone=${PHONE}`)) as {
      sent?: { ack: number }[];
    };
    return (sent ?? []).some(({ ack }) => ack >= 1);
  }

  /** How many of the delivered messages the session shows. */
  async #shown(): Promise<number> {
    const answer = await this.#router.ask('GET', `${PATH}/chats/${FRIEND}@c.us/messages?limit=100`);
    const texts = (answer['messages'] as { text: string | null }[]).map(({ text }) => text);
    return this.#delivered.filter((body) => texts.includes(body)).length;
  }

  async #browsers(): Promise<number> {
    return Number(await this.#lost.sh("pgrep -fc '[c]hromium-headless-shell.*--user-data-dir' || true"));
  }
}
