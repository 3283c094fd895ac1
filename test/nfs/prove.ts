import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProcess } from '../../common/lifecycle.ts';
import { inside } from './inside.ts';
import { systemImage } from './machines/images.ts';
import { runApart } from './machines/network.ts';
import { readOptions } from './options.ts';
import { say } from './say.ts';

/**
 * What kernel NFS does to claims, generations and takeovers, with a file server and clients in virtual machines:
 * `npm run prove:nfs [-- --parts LIST --mounts 'OPTIONS OPTIONS' --samples N --rounds N --seed S --json FILE --keep]`. Needs root, Debian, and its packages
 * qemu-system-x86, mmdebstrap and e2fsprogs. Slow: see docs/nfs.md. Exit code 1 when a rule was broken.
 */
await runProcess(async (signal) => {
  const options = readOptions();
  const system = await systemImage(say);
  if (options.inside !== undefined) return await inside(system, options.inside, options);
  const directory = await mkdtemp(join(tmpdir(), 'wharf-nfs-'));
  try {
    const self = fileURLToPath(import.meta.url);
    return await runApart([process.execPath, self, ...process.argv.slice(2), '--inside', directory], signal);
  } finally {
    if (options.keep) say(`the consoles' logs are in ${directory}`);
    else await rm(directory, { recursive: true, force: true });
  }
});
