import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet } from '../machines/fleet.ts';
import type { Results } from '../results.ts';

/** How long a machine is away when it is gone for longer than its lease, milliseconds. */
const AWAY = 30_000;
/** How long instances wait for Redis and the share after a blackout, milliseconds. */
const WITHOUT_HUB = 30_000;

/** Machines are booted again, lose their power, and come back; no session asks for a QR. */
export async function reboots(fleet: Fleet, results: Results, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await reboot(fleet, results);
    await powerCut(fleet, results);
    await blackout(fleet, results);
  }
}

const ofOne = (fleet: Fleet) => fleet.sessions.filter(({ home }) => home === 'instance-1');

async function reboot(fleet: Fleet, results: Results): Promise<void> {
  await fleet.settle();
  const at = Date.now();
  const { down, up } = await fleet.one.reboot();
  results.took('reboot_down', 'reboot of an instance machine: shut down', down / 1000);
  results.took('reboot_up', 'reboot of an instance machine: booted, all units ready', up / 1000);
  await fleet.readySince(at, ofOne(fleet));
  results.took(
    'reboot_ready',
    'reboot of an instance machine: its sessions ready again',
    (Date.now() - at) / 1000,
  );
  const { active, result } = await fleet.instance(1).state();
  results.rule(active === 'active', `after a reboot the instance is ${active}: ${result}`);
  await lookAt(fleet, results, 'reboot');
}

async function powerCut(fleet: Fleet, results: Results): Promise<void> {
  await fleet.settle();
  const at = Date.now();
  await fleet.one.cutPower();
  await fleet.readySince(at, ofOne(fleet));
  results.took(
    'power_ready',
    'power of an instance machine cut: its sessions ready on the other',
    (Date.now() - at) / 1000,
  );
  await sleep(Math.max(0, AWAY - (Date.now() - at)));
  const on = Date.now();
  await fleet.one.boot();
  await fleet.instance(1).until('active', ({ active }) => active === 'active');
  results.took('power_back', 'power is back: booted, instance ready', (Date.now() - on) / 1000);
  await lookAt(fleet, results, 'power cut');
}

/** All machines lose their power. Those with instances come up first, and wait for Redis and the share. */
async function blackout(fleet: Fleet, results: Results): Promise<void> {
  await fleet.settle();
  const at = Date.now();
  await Promise.all(fleet.machines.map((machine) => machine.cutPower()));
  await Promise.all([fleet.one.switchOn(), fleet.two.switchOn()]);
  await sleep(WITHOUT_HUB);
  for (const unit of fleet.instances) {
    const { active } = await unit.state();
    // Inactive: between two tries.
    results.rule(
      active === 'activating' || active === 'inactive',
      `without Redis and the share ${unit.name} is ${active}`,
    );
  }
  const on = Date.now();
  await fleet.hub.switchOn();
  await fleet.readySince(at);
  results.took(
    'blackout_ready',
    'all power cut, hub back after the others: all sessions ready',
    (Date.now() - on) / 1000,
  );
  for (const unit of [fleet.router, fleet.backup, ...fleet.instances])
    await unit.until('active', ({ active }) => active === 'active');
  await lookAt(fleet, results, 'blackout');
}

async function lookAt(fleet: Fleet, results: Results, what: string): Promise<void> {
  for (const line of await fleet.emulator.misfortunes()) results.rule(false, `${what}: ${line}`);
}
