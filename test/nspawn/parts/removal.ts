import type { Fleet } from '../machines/fleet.ts';
import type { Machine } from '../machines/machine.ts';
import type { Results } from '../results.ts';

/** The package is removed, and then purged: what is the customers' stays. */
export async function removal(fleet: Fleet, results: Results): Promise<void> {
  await fleet.settle();
  const { one } = fleet;
  const sessions = await filesOn(one);
  const settings = await one.run(['ls', '/etc/wharf']);
  await results.timed('remove', 'apt-get remove: sessions closed, code gone', async () => {
    await one.run(['apt-get', 'remove', '-y', 'wharf']);
  });
  const left = await one.try(['pgrep', '-u', 'wharf', '-a']);
  results.rule(left.stdout === '', `processes were left by the removal: ${left.stdout}`);
  results.rule((await one.run(['ls', '/etc/wharf'])) === settings, 'the removal took settings');
  results.rule(await isGone(one, '/usr/lib/wharf'), '/usr/lib/wharf was left by the removal');
  const failed = await one.run(['systemctl', '--failed', '--no-legend', '--plain']);
  results.rule(failed.trim() === '', `units failed by the removal: ${failed}`);
  await one.run(['apt-get', 'purge', '-y', 'wharf']);
  for (const path of ['/etc/wharf', '/var/lib/wharf', '/usr/share/doc/wharf'])
    results.rule(await isGone(one, path), `${path} was left by the purge`);
  const user = await one.try(['id', 'wharf']);
  results.rule(user.code === 0, "the purge took the user, whose number the share's files have");
  await one.run(['systemctl', 'start', 'mnt-wharf.mount']);
  const kept = await filesOn(one);
  const lost = sessions.filter((path) => !kept.includes(path));
  results.rule(
    lost.length === 0,
    `the purge took ${lost.length} records of sessions from the share: ${lost[0]}`,
  );
  results.fact(
    'after the purge',
    `${kept.length} records of sessions on the share, none lost; the user stays`,
  );
}

async function filesOn(machine: Machine): Promise<string[]> {
  const text = await machine.run(['find', '/mnt/wharf/sessions', '-name', 'session.json']);
  return text.trim().split('\n').sort();
}

async function isGone(machine: Machine, path: string): Promise<boolean> {
  return (await machine.try(['test', '-e', path])).code !== 0;
}
