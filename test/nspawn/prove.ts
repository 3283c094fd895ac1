import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProcess } from '../../common/lifecycle.ts';
import { inside } from './inside.ts';
import { controlGroups, runApart } from './machines/apart.ts';
import { debianRoot, whyNoMachines } from './machines/root.ts';
import { readOptions } from './options.ts';
import { say } from './say.ts';

/**
 * Wharf's package under real systemd: three Debian machines booted by systemd-nspawn, `npm run prove:systemd [-- --quick --parts LIST --share glusterfs --json FILE --deb FILE --keep]`.
 * Needs root, Debian, and its packages systemd-container and mmdebstrap. Exit code 1 when anything was not as it should be.
 */
await runProcess(async (signal) => {
  const options = readOptions();
  const missing = await whyNoMachines();
  if (missing !== undefined) throw new Error(`There can be no machines here: ${missing}`);
  const root = await debianRoot(say);
  if (options.inside !== undefined) return await inside(root, options.inside, options);
  const directory = await mkdtemp(join(tmpdir(), 'wharf-nspawn-'));
  const groups = await controlGroups(`wharf-${process.pid}`);
  const self = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const argv = [...self, '--inside', directory, ...groups.flatMap((group) => ['--group', group])];
  if (options.keep) say(`the machines' files stay in ${directory}`);
  return await runApart(argv, { groups, directory: options.keep ? undefined : directory }, signal);
});
