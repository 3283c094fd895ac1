import { command } from '../chaos/hosts/command.ts';
import { Machine } from './machines/machine.ts';
import { makeNetwork } from './machines/network.ts';
import type { DebianRoot } from './machines/root.ts';
import type { ProofOptions } from './options.ts';
import { say } from './say.ts';

export async function inside(root: DebianRoot, directory: string, options: ProofOptions): Promise<number> {
  await command('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
  await makeNetwork();
  const peers = { hub: 1, one: 2, two: 3 };
  const machines = await Promise.all(
    Object.entries(peers).map(([name, number]) =>
      Machine.make({ name, number, peers, root: root.directory, directory, groups: options.groups }),
    ),
  );
  const took = await Promise.all(machines.map((machine) => machine.boot()));
  say(`booted ${took}`);
  const [hub, one] = machines as [Machine, Machine, Machine];
  say(
    await one.sh(
      'systemctl --failed --no-pager; ip -br addr; ping -c1 hub || true; hostname; ls -l /dev/fuse; journalctl --list-boots',
    ),
  );
  say(
    await hub.sh(
      'mkdir -p /srv/brick; systemctl start glusterd; gluster volume create wharf hub:/srv/brick force; gluster volume start wharf',
    ),
  );
  say(
    await one.sh(
      'mkdir -p /mnt/wharf; mount -t glusterfs hub:/wharf /mnt/wharf; df /mnt/wharf; touch /mnt/wharf/x; umount /mnt/wharf',
    ),
  );
  say(JSON.stringify(await one.reboot()));
  await one.cutPower();
  say(`again ${await one.boot()}`);
  say(await one.sh('journalctl --list-boots'));
  await one.powerOff();
  return 0;
}
