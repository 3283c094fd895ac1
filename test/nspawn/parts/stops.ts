import type { Fleet } from '../machines/fleet.ts';
import type { Results } from '../results.ts';

/** Clean stops: all browsers closed within TimeoutStopSec, nothing left, nothing failed. */
export async function stops(fleet: Fleet, results: Results, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await restart(fleet, results);
    await stop(fleet, results);
    await withoutShare(fleet, results);
  }
}

/** `systemctl restart`: the instance keeps its workspaces. */
async function restart(fleet: Fleet, results: Results): Promise<void> {
  await fleet.settle();
  const unit = fleet.instance(1);
  const mine = fleet.sessions.filter(({ home }) => home === 'instance-1');
  const at = Date.now();
  await unit.machine.run(['systemctl', 'restart', unit.name]);
  results.took('restart_up', 'instance, systemctl restart: unit up again', (Date.now() - at) / 1000);
  await fleet.readySince(at, mine);
  results.took(
    'restart_ready',
    'instance, systemctl restart: its sessions ready again',
    (Date.now() - at) / 1000,
  );
  for (const one of mine)
    results.rule((await fleet.instanceOf(one)) === 'instance-1', 'a restarted instance lost a workspace');
  await noFault(fleet, results, 'restart', at);
}

/** `systemctl stop`: the other instance takes the sessions. */
async function stop(fleet: Fleet, results: Results): Promise<void> {
  await fleet.settle();
  const unit = fleet.instance(1);
  const at = Date.now();
  await unit.stop();
  results.took('stop', 'instance, systemctl stop: all closed', (Date.now() - at) / 1000);
  await stoppedWell(fleet, results);
  await fleet.readySince(
    at,
    fleet.sessions.filter(({ home }) => home === 'instance-1'),
  );
  results.took(
    'stop_ready',
    'instance, systemctl stop: its sessions ready on the other',
    (Date.now() - at) / 1000,
  );
  await unit.start();
  await noFault(fleet, results, 'stop', at);
}

async function stoppedWell(fleet: Fleet, results: Results): Promise<void> {
  const unit = fleet.instance(1);
  const { active, result } = await unit.state();
  const { ExecMainStatus: code } = await unit.show(['ExecMainStatus']);
  results.rule(active === 'inactive' && result === 'success', `a stopped instance is ${active}: ${result}`);
  results.rule(code === '0', `a stopped supervisor ended with ${code}`);
  const left = await unit.machine.run(['pgrep', '-u', 'wharf', '-a']).catch(() => '');
  results.rule(left === '', `a stopped instance left processes: ${left}`);
}

/** Without the share nothing starts, and nothing is written below it; when it comes back, so does the instance, by itself. */
async function withoutShare(fleet: Fleet, results: Results): Promise<void> {
  await fleet.settle();
  const unit = fleet.instance(1);
  const { machine } = unit;
  const at = Date.now();
  await machine.run(['systemctl', 'stop', 'mnt-wharf.mount']);
  const state = await unit.state();
  results.rule(
    state.active === 'inactive' && state.result === 'success',
    `the share was unmounted, and the instance is ${state.active}: ${state.result}`,
  );
  // Where systemd cannot make the directory either, as it does for a bind mount.
  const nothing = fleet.share === 'local' ? '/proc/nothing' : 'hub:/nothing';
  const mount = '/run/systemd/system/mnt-wharf.mount.d';
  await machine.sh(`
    mkdir -p ${mount}; printf '[Mount]\\nWhat=${nothing}\\n' >${mount}/away.conf
    systemctl daemon-reload; systemctl start --no-block ${unit.name}
  `);
  await unit.until('refused to start', ({ restarts }) => restarts > 0);
  const below = await machine.run(['find', '/mnt/wharf', '-mindepth', '1']);
  results.rule(below.trim() === '', `something was written below the share's mount point: ${below}`);
  await machine.sh(`rm ${mount}/away.conf; systemctl daemon-reload`);
  const back = Date.now();
  await unit.until('active', ({ active }) => active === 'active');
  results.took('share_back', 'the share can be mounted again: unit up by itself', (Date.now() - back) / 1000);
  await fleet.settle();
  await noFault(fleet, results, 'share', at);
}

async function noFault(fleet: Fleet, results: Results, what: string, since: number): Promise<void> {
  const ends = (await fleet.instance(1).failures(since)).filter(
    (end) => what !== 'share' || end !== 'exit-code',
  );
  results.rule(ends.length === 0, `${what}: systemd says that the instance failed: ${ends.join()}`);
  for (const line of await fleet.emulator.misfortunes()) results.rule(false, `${what}: ${line}`);
}
