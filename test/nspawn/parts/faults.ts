import type { Fleet, LinkedSession } from '../machines/fleet.ts';
import type { Unit, UnitState } from '../machines/unit.ts';
import type { Results } from '../results.ts';

/** Who is to mend a fault: the supervisor, in the unit; or systemd, which starts the unit again. */
type Mender = 'supervisor' | 'systemd';

interface Fault {
  key: string;
  what: string;
  mender: Mender;
  /** What systemd is to say of how the unit ended. */
  result?: string;
  unit: (fleet: Fleet) => Unit;
  hit: (unit: Unit, state: UnitState) => Promise<void>;
}

const instance = (fleet: Fleet) => fleet.instance(1);
const router = (fleet: Fleet) => fleet.router;
const backup = (fleet: Fleet) => fleet.backup;

const killMain = async (unit: Unit, { pid }: UnitState) => await unit.signal(pid, 'KILL');
const stopMain = async (unit: Unit, { pid }: UnitState) => await unit.signal(pid, 'STOP');

/** Of the processes of an instance's unit, the one that has the browsers. */
async function instanceProcess(unit: Unit): Promise<number> {
  const found = (await unit.processes()).find(({ command }) => command.includes('/dist/instance/main.js'));
  if (found === undefined) throw new Error(`${unit.name} has no process of its instance`);
  return found.pid;
}

const SYSTEMD = 'systemd' as const;
const FAULTS: readonly Fault[] = [
  {
    ...{ key: 'instance_process_killed', what: "instance's process, kill -9", mender: 'supervisor' },
    ...{ unit: instance, hit: async (unit) => await unit.signal(await instanceProcess(unit), 'KILL') },
  },
  {
    ...{ key: 'supervisor_killed', what: 'supervisor, kill -9', mender: SYSTEMD, result: 'signal' },
    ...{ unit: instance, hit: killMain },
  },
  {
    ...{ key: 'instance_process_stopped', what: "instance's process, SIGSTOP", mender: 'supervisor' },
    ...{ unit: instance, hit: async (unit) => await unit.signal(await instanceProcess(unit), 'STOP') },
  },
  {
    ...{ key: 'supervisor_stopped', what: 'supervisor, SIGSTOP', mender: SYSTEMD, result: 'watchdog' },
    ...{ unit: instance, hit: stopMain },
  },
  {
    ...{ key: 'instance_unit_killed', what: 'instance with all browsers, kill -9', mender: SYSTEMD },
    ...{ result: 'signal', unit: instance },
    hit: async (unit) => {
      await unit.machine.run(['systemctl', 'kill', '--kill-whom=all', '--signal=KILL', unit.name]);
    },
  },
  {
    ...{ key: 'router_killed', what: 'router, kill -9', mender: SYSTEMD, result: 'signal' },
    ...{ unit: router, hit: killMain },
  },
  {
    ...{ key: 'router_stopped', what: 'router, SIGSTOP', mender: SYSTEMD, result: 'watchdog' },
    ...{ unit: router, hit: stopMain },
  },
  {
    ...{ key: 'backup_killed', what: 'backup service, kill -9', mender: SYSTEMD, result: 'signal' },
    ...{ unit: backup, hit: killMain },
  },
  {
    ...{ key: 'backup_stopped', what: 'backup service, SIGSTOP', mender: SYSTEMD, result: 'watchdog' },
    ...{ unit: backup, hit: stopMain },
  },
];

/** Each fault, so many times; all of them in turn, so that none is met twice in a row. */
export async function faults(fleet: Fleet, results: Results, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1)
    for (const fault of FAULTS) {
      await fleet.settle();
      await meet(fault, fleet, results);
    }
  await fleet.settle();
}

async function meet(fault: Fault, fleet: Fleet, results: Results): Promise<void> {
  const unit = fault.unit(fleet);
  const before = await unit.state();
  const at = Date.now();
  const since = () => (Date.now() - at) / 1000;
  await fault.hit(unit, before);
  if (fault.mender === SYSTEMD) {
    const after = await unit.again(before);
    results.took(`${fault.key}_up`, `${fault.what}: unit up again`, since());
    const ends = await unit.failures(at);
    results.rule(
      ends.join() === fault.result,
      `${fault.what}: systemd says that it ended by ${ends.join() || 'nothing'}, not ${fault.result}`,
    );
    results.rule(
      after.restarts === before.restarts + 1,
      `${fault.what}: ${after.restarts - before.restarts} restarts by systemd, not 1`,
    );
  }
  await checkSessions(fault, fleet, results, { at, since });
  if (fault.mender === 'supervisor') {
    const after = await unit.state();
    results.rule(
      after.pid === before.pid && after.restarts === before.restarts,
      `${fault.what}: the unit was started again, and the supervisor should have mended it`,
    );
  }
}

/** Sessions of an instance come back; what happens to a router or the backup service touches none. */
async function checkSessions(
  fault: Fault,
  fleet: Fleet,
  results: Results,
  { at, since }: { at: number; since: () => number },
): Promise<void> {
  const mine = (session: LinkedSession) => fault.unit === instance && session.home === 'instance-1';
  const hit = fleet.sessions.filter(mine);
  if (hit.length > 0) {
    await fleet.readySince(at, hit);
    results.took(`${fault.key}_ready`, `${fault.what}: its sessions ready again`, since());
  } else if (fault.unit === router) {
    await fleet.api.until('/ready', () => true);
    results.took(`${fault.key}_answers`, `${fault.what}: API answers again`, since());
  }
  for (const { session, phone } of fleet.sessions.filter((one) => !mine(one)))
    results.rule(
      !(await fleet.emulator.connectedSince(phone, at)),
      `${fault.what}: the session ${session}, which it should not have touched, was started again`,
    );
  for (const line of await fleet.emulator.misfortunes()) results.rule(false, `${fault.what}: ${line}`);
}
