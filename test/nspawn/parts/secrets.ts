import type { Fleet } from '../machines/fleet.ts';
import type { Results } from '../results.ts';

/** Nothing secret stands in any journal, and nobody but root and wharf reads the settings. */
export async function secrets(fleet: Fleet, results: Results): Promise<void> {
  for (const machine of fleet.machines) {
    for (const [what, secret] of Object.entries(fleet.secrets)) {
      // By standard input: a pattern on a command line would be in the journal of whoever logs those.
      const { stdout } = await machine.try(
        ['sh', '-c', 'read -r secret; journalctl --no-pager -o cat | grep -cF "$secret"'],
        `${secret}\n`,
      );
      results.rule(stdout.trim() === '0', `the journal of ${machine.name} has the ${what}`);
    }
    const open = await machine.run(['find', '/etc/wharf', '-perm', '/o=rwx']);
    results.rule(open.trim() === '', `others may read settings on ${machine.name}: ${open}`);
  }
}
