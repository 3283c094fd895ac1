import { Balancer, STOP_DELAY } from '../machines/balancer.ts';
import type { Fleet } from '../machines/fleet.ts';
import type { Machine } from '../machines/machine.ts';
import { Unit } from '../machines/unit.ts';
import type { Results } from '../results.ts';
import { Traffic } from './traffic.ts';

/** All machines get a package of a higher version, one after the other, while clients go on: none of their requests may fail. */
export async function upgrade(fleet: Fleet, results: Results, file: string): Promise<void> {
  await fleet.settle();
  await refusedBelowInstances(fleet, results, file);
  const second = await secondRouter(fleet);
  const { adminKey } = fleet.secrets;
  const balancer = new Balancer([fleet.url, `http://${second.machine.address}:3000`], adminKey);
  const traffic = new Traffic(fleet, balancer, 'upgrade');
  await results.timed('upgrade_hub', 'the machine with router and backup service is upgraded', async () => {
    await upgradeOne(fleet.hub, results, file);
  });
  results.rule(balancer.left > 0, 'the router that was upgraded never said that it leaves');
  for (const machine of [fleet.one, fleet.two])
    await results.timed(
      'upgrade',
      'a machine is upgraded: drained, installed, started, filled again',
      async () => {
        await upgradeOne(machine, results, file);
      },
    );
  await fleet.settle();
  const { requests, longest, failures } = await traffic.end();
  await balancer.end();
  await onlyOneRouter(fleet, second);
  results.fact('requests while all machines were upgraded', `${requests}, ${failures.length} failed`);
  results.took('upgrade_longest_request', 'the longest request meanwhile', longest);
  results.rule(requests > 0, 'no requests were made during the upgrade');
  for (const line of failures) results.rule(false, `upgrade: ${line}`);
  for (const line of await fleet.emulator.misfortunes()) results.rule(false, `upgrade: ${line}`);
}

async function upgradeOne(machine: Machine, results: Results, file: string): Promise<void> {
  await machine.run(['wharf-upgrade', `/srv/packages/${file}`]);
  results.rule((await versionOn(machine)) === versionOf(file), `${machine.name} has not the new version`);
}

/** A router on a machine with an instance, so that there are two; both say that they go for long enough before they do. */
async function secondRouter(fleet: Fleet): Promise<Unit> {
  const second = new Unit(fleet.one, fleet.router.name);
  for (const { machine, name } of [fleet.router, second]) {
    await machine.sh(`echo WHARF_STOP_DELAY=${STOP_DELAY} >>/etc/wharf/router.env`);
    await machine.run(['systemctl', 'restart', name]);
  }
  return second;
}

async function onlyOneRouter(fleet: Fleet, second: Unit): Promise<void> {
  for (const { machine } of [fleet.router, second])
    await machine.sh("sed -i '/^WHARF_STOP_DELAY=/d' /etc/wharf/router.env");
  await second.stop();
  await fleet.router.machine.run(['systemctl', 'restart', fleet.router.name]);
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
