import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readEnv } from '../../../common/env.ts';
import { sh } from './shell.ts';

/** What a machine has beyond Debian's minimal base. perl-base, for locks, is in that. */
const PACKAGES = [
  'linux-image-cloud-amd64',
  'nfs-kernel-server',
  'nfs-common',
  'iproute2',
  'kmod',
  'udev',
  'procps',
  'libstdc++6',
  'chromium-headless-shell',
];

/** The kernel starts this: all else comes from the program's disk, so that a change of it needs no new system. */
const INIT = `#!/bin/bash
mkdir -p /wharf
mount -o ro /dev/vdb /wharf
exec /wharf/init.sh
`;

/** The repository: this file lies in its `dist/test/nfs/machines/`. */
const REPOSITORY = fileURLToPath(new URL('../../../../', import.meta.url));

/** A Debian system to boot. */
export interface SystemImage {
  /** An ext4 image of the whole system. */
  root: string;
  kernel: string;
  initrd: string;
  /** Versions of what was installed, by package. */
  versions: Readonly<Record<string, string>>;
}

/**
 * A Debian system with NFS and Chromium, made by mmdebstrap from the same packages that this host uses, kept in the user's cache
 * directory. Needs root, Debian, and its packages `mmdebstrap` and `e2fsprogs`.
 */
export async function systemImage(say: (line: string) => void): Promise<SystemImage> {
  const sources = await sh('apt-get', [
    'indextargets',
    '--format',
    'deb $(SITE) $(RELEASE) $(COMPONENT)',
    'Created-By: Packages',
    'Origin: Debian',
  ]);
  const kernel = await sh('apt-cache', ['show', '--no-all-versions', 'linux-image-cloud-amd64']);
  const key = createHash('sha256')
    .update([sources, kernel, INIT, ...PACKAGES].join('\n'))
    .digest('hex');
  const directory = join(cacheDirectory(), key.slice(0, 16));
  if (!existsSync(directory)) await makeSystem(directory, sources, say);
  const image = (name: string) => join(directory, name);
  return {
    root: image('root.ext4'),
    kernel: image('vmlinuz'),
    initrd: image('initrd'),
    versions: JSON.parse(await readFile(image('versions.json'), 'utf8')) as Record<string, string>,
  };
}

async function makeSystem(directory: string, sources: string, say: (line: string) => void): Promise<void> {
  say('makes the system of the virtual machines (once, about two minutes)');
  await mkdir(dirname(directory), { recursive: true });
  const draft = await mkdtemp(`${directory}.`);
  try {
    const root = join(draft, 'root');
    const release =
      /^VERSION_CODENAME=(\S+)$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
    const args = ['--quiet', '--mode=root', '--variant=minbase', `--include=${PACKAGES.join(',')}`];
    await sh('mmdebstrap', [...args, release, root, '-'], sources);
    await writeFile(join(root, 'sbin/wharf-init'), INIT);
    await chmod(join(root, 'sbin/wharf-init'), 0o755);
    const shown = await sh('dpkg-query', [`--admindir=${root}/var/lib/dpkg`, '-W']);
    const versions = Object.fromEntries(
      shown
        .trim()
        .split('\n')
        .map((line) => line.replace(/:\w+\t/, '\t').split('\t')),
    );
    await writeFile(join(draft, 'versions.json'), JSON.stringify(versions));
    for (const name of await readdir(join(root, 'boot')))
      for (const [prefix, file] of [
        ['vmlinuz-', 'vmlinuz'],
        ['initrd.img-', 'initrd'],
      ] as const)
        if (name.startsWith(prefix)) await cp(join(root, 'boot', name), join(draft, file));
    await sh('mke2fs', ['-q', '-t', 'ext4', '-d', root, join(draft, 'root.ext4'), '3G']);
    await rm(root, { recursive: true });
    await rename(draft, directory);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** The disk with this program: the build, the packages it needs to run, and this host's Node. Read only in the machines, at `/wharf`. */
export async function programImage(file: string): Promise<void> {
  const staging = await mkdtemp(join(tmpdir(), 'wharf-nfs-program-'));
  try {
    const app = join(staging, 'app');
    await mkdir(app);
    await cp(join(REPOSITORY, 'dist'), join(app, 'dist'), { recursive: true });
    await cp(join(REPOSITORY, 'package.json'), join(app, 'package.json'));
    for (const path of await neededPackages())
      await cp(join(REPOSITORY, path), join(app, path), { recursive: true });
    await cp(process.execPath, join(staging, 'node'));
    await cp(join(REPOSITORY, 'test/nfs/guest/init.sh'), join(staging, 'init.sh'));
    await chmod(join(staging, 'init.sh'), 0o755);
    await sh('mke2fs', ['-q', '-t', 'ext4', '-d', staging, file, '1G']);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** The folders of the packages that the program needs while running, relative to the repository: what npm's lock file does not call `dev`. */
async function neededPackages(): Promise<string[]> {
  const lock = JSON.parse(await readFile(join(REPOSITORY, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
  };
  return Object.entries(lock.packages)
    .filter(([path, found]) => path !== '' && !found.dev && !path.includes('/node_modules/'))
    .map(([path]) => path)
    .filter((path) => existsSync(join(REPOSITORY, path)));
}

function cacheDirectory(): string {
  return join(readEnv()['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'wharf', 'nfs');
}
