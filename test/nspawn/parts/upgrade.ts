import type { Fleet } from '../machines/fleet.ts';
import type { Machine } from '../machines/machine.ts';
import type { Results } from '../results.ts';
import { Traffic } from './traffic.ts';

/** Machines with instances get a package of a higher version, one after the other, while clients go on: none of their requests may fail. */
export async function upgrade(fleet: Fleet, results: Results, file: string): Promise<void> {
  await fleet.settle();
  await refusedBelowInstances(fleet, results, file);
  const traffic = new Traffic(fleet, 'upgrade');
  for (const machine of [fleet.one, fleet.two]) {
    await results.timed(
      'upgrade',
      'a machine is upgraded: drained, installed, started, filled again',
      async () => {
        await machine.run(['wharf-upgrade', `/srv/packages/${file}`]);
      },
    );
    results.rule((await versionOn(machine)) === versionOf(file), `${machine.name} has not the new version`);
  }
  await fleet.settle();
  const { requests, longest, failures } = await traffic.end();
  results.fact('requests while two machines were upgraded', `${requests}, ${failures.length} failed`);
  results.took('upgrade_longest_request', 'the longest request meanwhile', longest);
  results.rule(requests > 0, 'no requests were made during the upgrade');
  for (const line of failures) results.rule(false, `upgrade: ${line}`);
  for (const line of await fleet.emulator.misfortunes()) results.rule(false, `upgrade: ${line}`);
}

/** apt alone does not replace the code under running instances. */
async function refusedBelowInstances(fleet: Fleet, results: Results, file: string): Promise<void> {
  const before = await fleet.instance(1).state();
  const { code } = await fleet.one.try(['apt-get', 'install', '-y', `/srv/packages/${file}`]);
  const after = await fleet.instance(1).state();
  results.rule(code !== 0, 'apt-get replaced the code of an instance that runs');
  results.rule(
    after.pid === before.pid && after.active === 'active',
    'an upgrade that was refused touched the instance',
  );
}

async function versionOn(machine: Machine): Promise<string> {
  return (await machine.run(['dpkg-query', '-W', '-f', `\${Version}`, 'wharf'])).trim();
}

function versionOf(file: string): string {
  return file.split('_')[1] ?? '';
}
