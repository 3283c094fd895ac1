import { join } from 'node:path';
import { publish } from '../bench/support/report.ts';
import { command } from '../chaos/hosts/command.ts';
import { Fleet } from './machines/fleet.ts';
import { packagesIn } from './machines/packages.ts';
import type { DebianRoot } from './machines/root.ts';
import type { Part, ProofOptions } from './options.ts';
import { boot, doctors, install, installAgain } from './parts/bring-up.ts';
import { faults } from './parts/faults.ts';
import { link } from './parts/link.ts';
import { reboots } from './parts/reboots.ts';
import { removal } from './parts/removal.ts';
import { runbook } from './parts/runbook.ts';
import { secrets } from './parts/secrets.ts';
import { stops } from './parts/stops.ts';
import { token } from './parts/token.ts';
import { upgrade } from './parts/upgrade.ts';
import { Results } from './results.ts';
import { say } from './say.ts';

/** How often each fault, stop and reboot is made, unless it is to be quick. */
const ROUNDS = 3;

/** Runs the proof on machines in this process's own namespaces. Answers the exit code. */
export async function inside(root: DebianRoot, directory: string, options: ProofOptions): Promise<number> {
  // What systemd-nspawn writes there goes with the namespace.
  await command('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
  const packages = join(directory, 'packages');
  say('makes the packages');
  const made = await packagesIn(packages, options.deb);
  const results = new Results();
  const rounds = options.quick ? 1 : ROUNDS;
  const { share, groups } = options;
  const fleet = await Fleet.make({ root: root.directory, directory, groups, packages, share });
  try {
    await boot(fleet, results);
    await install(fleet, results, made);
    await link(fleet, results);
    await doctors(fleet, results);
    await installAgain(fleet, results);
    const parts: Record<Part, () => Promise<void>> = {
      faults: async () => await faults(fleet, results, rounds),
      stops: async () => await stops(fleet, results, rounds),
      reboots: async () => await reboots(fleet, results, rounds),
      upgrade: async () => await upgrade(fleet, results, made.next),
      token: async () => await token(fleet, results),
      runbook: async () => await runbook(fleet, results),
      secrets: async () => await secrets(fleet, results),
      removal: async () => await removal(fleet, results),
    };
    for (const part of options.parts) await parts[part]();
  } catch (error) {
    results.rule(false, `the proof broke off: ${String(error)}`);
    for (const machine of fleet.machines) say(await lastWords(machine));
  } finally {
    await fleet.close();
  }
  const { versions } = root;
  const shown = ['systemd', 'chromium-headless-shell', 'redis-server', 'glusterfs-server'];
  await publish(
    {
      name: 'systemd',
      title: `Wharf under systemd: three machines of systemd-nspawn, share: ${share}`,
      runs: rounds,
      versions: Object.fromEntries(shown.map((name) => [name, versions[name] ?? 'none'])),
      figures: results.figures(),
      rows: results.rows(),
      details: results.details(),
    },
    { json: options.json, quick: options.quick },
  );
  for (const line of results.broken) process.stdout.write(`BROKEN ${line}\n`);
  process.stdout.write(results.broken.length === 0 ? 'nothing was broken\n' : '');
  return results.broken.length === 0 ? 0 : 1;
}

async function lastWords(machine: Fleet['hub']): Promise<string> {
  if (!machine.isOn) return `${machine.name} is off:\n${await machine.console()}`;
  const { stdout } = await machine.try([
    'journalctl',
    '-b',
    '--no-pager',
    '-n',
    '80',
    '-o',
    'short-monotonic',
  ]);
  return `the journal of ${machine.name}:\n${stdout}`;
}
