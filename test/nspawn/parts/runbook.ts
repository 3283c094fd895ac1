import type { Json } from '../../chaos/real/asking.ts';
import { type RunbookBlock, readRunbook } from '../../helpers/runbook.ts';
import type { Fleet } from '../machines/fleet.ts';
import type { Machine } from '../machines/machine.ts';
import type { Results } from '../results.ts';

/** Where commands of the runbook for a host are run as they are written, by what they name. */
const ON: readonly [RegExp, 'hub' | 'one' | 'two'][] = [
  [/redis-server|wharf-backup/, 'hub'],
  [/wharf-instance@2|out of memory|systemd-cgtop/, 'two'],
  [/mnt-wharf\.mount --no-pager|journalctl -k -n|findmnt|^wharf-doctor$|<\/etc\/wharf\/wharf\.env$/, 'one'],
];

/** Those that are run with what has to be changed before them, in this part or another. */
const IN_THEIR_PLACE: readonly RegExp[] = [
  // `scale`, with the next number of this fleet.
  /wharf-instance@5|wharf-router|try-restart/,
  // `elsewhere`, on every machine.
  /^systemctl stop wharf\.target|daemon-reload|restart mnt-wharf\.mount|^systemctl start wharf\.target$/,
  // The parts `token` and `upgrade`.
  /^systemctl restart wharf\.target$|^wharf-upgrade/,
];

/** What these machines have nothing for. */
const NOT_HERE: readonly RegExp[] = [/^nfsstat/, /nginx/];

/** Commands that end with 1 where they find nothing. */
const SEEKS = /grep|journalctl -k/;

/** The runbook's commands for hosts, as they are written: those that look, those that start again, scaling out and in, the move to another share. */
export async function runbook(fleet: Fleet, results: Results): Promise<void> {
  const blocks = (await readRunbook()).flatMap((section) =>
    section.blocks.filter(({ kind }) => kind === 'host'),
  );
  let count = 0;
  for (const block of blocks) count += await oneByOne(fleet, results, block);
  results.fact('commands of the runbook that were run as they are written', String(count));
  await fleet.settle();
  await scale(fleet, results);
  await elsewhere(fleet, results);
  for (const line of await fleet.emulator.misfortunes()) results.rule(false, `runbook: ${line}`);
}

async function oneByOne(fleet: Fleet, results: Results, { commands, line }: RunbookBlock): Promise<number> {
  let count = 0;
  for (const [index, command] of commands.entries()) {
    if ([...IN_THEIR_PLACE, ...NOT_HERE].some((pattern) => pattern.test(command))) continue;
    const name = ON.find(([pattern]) => pattern.test(command))?.[1];
    results.rule(
      name !== undefined,
      `docs/runbook.md:${line + index}: nobody knows where to run: ${command}`,
    );
    if (name === undefined) continue;
    const { code, stdout, stderr } = await fleet[name].try(['sh', '-c', command]);
    const good = code === 0 || (code === 1 && SEEKS.test(command));
    results.rule(
      good,
      `docs/runbook.md:${line + index}: ${command} ended with ${code} on ${name}: ${(stderr || stdout).trim().slice(-500)}`,
    );
    count += 1;
  }
  return count;
}

/** Out to a third instance, and in again. */
async function scale(fleet: Fleet, results: Results): Promise<void> {
  const third = { workspace: 2, session: 'third' };
  const at = Date.now();
  await countTo(fleet.two, 3);
  await fleet.two.run(['systemctl', 'enable', '--now', 'wharf-instance@3.service']);
  await routersCount(fleet, 3);
  await instances(fleet, 3);
  await fleet.api.must('POST', '/api/fleet/rebalance');
  await isAt(fleet, third.session, 'instance-3');
  results.took(
    'scale_out',
    'scaled out to a third instance, its workspace brought there',
    (Date.now() - at) / 1000,
  );

  const inAt = Date.now();
  await fleet.api.must('POST', '/api/fleet/instances/instance-3/drain');
  await fleet.api.until(`/api/whatsapp/sessions/${third.session}`, ({ status, instance }) => {
    return status === 'ready' && instance !== 'instance-3';
  });
  await fleet.two.run(['systemctl', 'disable', '--now', 'wharf-instance@3.service']);
  await countTo(fleet.two, 2);
  await routersCount(fleet, 2);
  await fleet.api.ask('DELETE', '/api/fleet/instances/instance-3/drain');
  await fleet.settle();
  results.took('scale_in', 'scaled in again: all sessions ready at home', (Date.now() - inAt) / 1000);
}

/** Everything stopped, the share mounted anew, everything started: what a move to another share does to the machines. */
async function elsewhere(fleet: Fleet, results: Results): Promise<void> {
  const everywhere = async (command: readonly string[], machines: readonly Machine[]) =>
    await Promise.all(machines.map(async (machine) => await machine.run(command)));
  const { hub, one, two } = fleet;
  const at = Date.now();
  await everywhere(['systemctl', 'stop', 'wharf.target', 'wharf-*.service'], [one, two]);
  await everywhere(['systemctl', 'stop', 'wharf.target', 'wharf-*.service'], [hub]);
  for (const unit of [fleet.router, fleet.backup, ...fleet.instances]) {
    const { active } = await unit.state();
    results.rule(active === 'inactive', `wharf.target was stopped, and ${unit.name} is ${active}`);
  }
  await everywhere(['systemctl', 'daemon-reload'], fleet.machines);
  await everywhere(['systemctl', 'restart', 'mnt-wharf.mount'], fleet.machines);
  await everywhere(['systemctl', 'start', 'wharf.target'], fleet.machines);
  await fleet.readySince(at);
  results.took(
    'new_share',
    'all stopped, the share mounted anew, all started: every session ready',
    (Date.now() - at) / 1000,
  );
  await fleet.settle();
}

async function countTo(machine: Machine, count: number): Promise<void> {
  await machine.sh(
    `sed -i 's/^WHATSAPP_INSTANCE_COUNT=.*/WHATSAPP_INSTANCE_COUNT=${count}/' /etc/wharf/wharf.env`,
  );
}

async function routersCount(fleet: Fleet, count: number): Promise<void> {
  await countTo(fleet.hub, count);
  await fleet.hub.run(['systemctl', 'restart', 'wharf-router.service']);
  await fleet.hub.run(['systemctl', 'try-restart', 'wharf-backup.service']);
}

async function instances(fleet: Fleet, count: number): Promise<void> {
  await fleet.api.until('/api/fleet', (answer) => {
    const all = answer['instances'] as Json[];
    return all.length === count && all.every(({ verdict }) => verdict === 'healthy');
  });
}

async function isAt(fleet: Fleet, session: string, instance: string): Promise<void> {
  await fleet.api.until(
    `/api/whatsapp/sessions/${session}`,
    (answer) => answer['status'] === 'ready' && answer['instance'] === instance,
  );
}
