import { chmod, copyFile, cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../helpers/programs.ts';

const SYSTEMD = fileURLToPath(new URL('../../systemd', import.meta.url));
/** Where the host has systemd's own targets and slices, which ours refer to. */
const HOST_UNITS = '/usr/lib/systemd/system';
const UNITS = 'usr/lib/systemd/system';

/** Units as `systemd-analyze` is asked about them: of the template one instance. */
export const SERVICES = ['wharf-instance@3.service', 'wharf-router.service', 'wharf-backup.service'] as const;
export const OTHERS = ['wharf.target', 'wharf.slice', 'wharf-instances.slice'] as const;

/** Kinds of shares there is an example mount for. */
export async function mountKinds(): Promise<string[]> {
  return (await readdir(join(SYSTEMD, 'mounts'))).sort();
}

/** A unit's text, of the template for its instances. */
export function unitFile(unit: string): string {
  return join(SYSTEMD, 'units', unit.replace(/@\d+/, '@'));
}

/**
 * Lays the units out below a directory as the package does on a machine, with the programs they name.
 *
 * @param mount which example stands for mnt-wharf.mount
 */
export async function layOut(root: string, mount: string): Promise<void> {
  await cp(join(SYSTEMD, 'units'), join(root, UNITS), { recursive: true });
  for (const name of await readdir(HOST_UNITS))
    if (/\.(target|slice)$/.test(name))
      await copyFile(join(HOST_UNITS, name), join(root, UNITS, name)).catch(() => {});
  await mkdir(join(root, 'etc/systemd/system'), { recursive: true });
  await copyFile(
    join(SYSTEMD, 'mounts', mount, 'mnt-wharf.mount'),
    join(root, 'etc/systemd/system/mnt-wharf.mount'),
  );
  await cp(join(SYSTEMD, 'lib'), join(root, 'usr/lib/wharf/bin'), { recursive: true });
  const node = join(root, 'usr/lib/wharf/node/bin/node');
  await mkdir(join(node, '..'), { recursive: true });
  await writeFile(node, '#!/bin/sh\n');
  await chmod(node, 0o755);
}

/** Runs `systemd-analyze` on what {@link layOut} has laid out. */
export function analyze(
  root: string,
  verb: string,
  ...args: string[]
): Promise<{ code: number; said: string }> {
  return runProgram('systemd-analyze', [verb, `--root=${root}`, ...args]);
}
