import type { Dirent } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Results } from '../../nspawn/results.ts';
import { REPOSITORY } from '../repository.ts';

/** Where Wharf lies in the image. */
const HOME = 'usr/lib/wharf';

/** The user that an image's processes are, by number: not one that a host's own users are likely to have. */
const USER = 10_001;

/** Where files lie that every Debian has. */
const VIRTUAL = /^(?:proc|sys|dev)\//;

/** Names of files that hold secrets, or are left over from building. */
const SUSPECT = /(?:^|\/)(?:\.npmrc|\.netrc|\.git|\.env|wharf\.env|id_[a-z0-9]+|[^/]+\.(?:key|p12|pfx))$/;

/** Code that is there to develop Wharf with. */
const DEVELOPMENT = /^dist\/(?:test|infra)\/|\.test\.|\.map$|\.tsbuildinfo$|(?<!\.d)\.tsx?$/;

const configurationSchema = z.object({
  User: z.string(),
  Env: z.array(z.string()),
  Entrypoint: z.array(z.string()),
  Cmd: z.array(z.string()),
  Healthcheck: z.object({ Test: z.array(z.string()) }),
  Volumes: z.record(z.string(), z.unknown()),
});

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({ dev: z.boolean().optional(), devOptional: z.boolean().optional() }),
  ),
});

const manifestSchema = z.object({ devDependencies: z.record(z.string(), z.string()) });

/** A file or directory of an image. */
interface Found {
  /** Without a / before. */
  path: string;
  mode: number;
  uid: number;
  bytes: number;
  isFile: boolean;
}

/** Looks at how an image is run: as whom, with what in its environment. Throws where it says nothing of that. */
export function lookAtConfiguration(configuration: unknown, results: Results): void {
  const { User, Env, Entrypoint, Healthcheck } = configurationSchema.parse(configuration);
  results.rule(User === 'wharf', `the image runs as ${User || 'root'}`);
  results.rule(Entrypoint[0] === '/usr/bin/tini', `process 1 is ${Entrypoint[0]}`);
  results.rule(Healthcheck.Test.join(' ').includes('healthcheck.mjs'), 'the image has no health check');
  const secret = Env.filter((line) => /^[^=]*(?:TOKEN|KEY|SECRET|PASSWORD)[^=]*=/.test(line));
  results.rule(secret.length === 0, `the image's environment has ${secret.join()}`);
}

/**
 * Looks at an image's files: nothing to develop with, no secrets, nothing that its user can change.
 *
 * @param root the directory they lie in
 */
export async function lookAtFiles(root: string, results: Results): Promise<void> {
  const files = await filesOf(root);
  const home = files.filter(({ path }) => path.startsWith(`${HOME}/`));
  const named = (found: Found[]) =>
    found
      .slice(0, 5)
      .map(({ path }) => path)
      .join(', ');
  const none = (what: string, found: Found[]) =>
    results.rule(found.length === 0, `${what}: ${named(found)} (${found.length})`);

  none(
    'made to develop with',
    home.filter(
      ({ path }) => !path.includes('/node_modules/') && DEVELOPMENT.test(path.slice(HOME.length + 1)),
    ),
  );
  none(
    'may hold a secret',
    files.filter(({ path, isFile, bytes }) => isFile && bytes > 0 && SUSPECT.test(path)),
  );
  none(
    'can be changed by who runs it',
    home.filter(({ mode, uid }) => uid !== 0 || (mode & 0o022) !== 0),
  );
  none(
    'cannot be read by who runs it',
    home.filter(({ mode, isFile }) => (mode & (isFile ? 0o004 : 0o005)) === 0),
  );
  const owned = files.filter(({ uid }) => uid === USER).map(({ path }) => path);
  results.fact('directories of the user', owned.sort().join(', '));
  await lookAtPackages(home, results);
  const gains = files.filter(({ mode, isFile }) => isFile && (mode & 0o6000) !== 0);
  results.fact(
    'programs that give rights',
    `${gains.length}, all of Debian; no-new-privileges makes nothing of them`,
  );
  const size = (prefix: string) =>
    `${Math.round(files.filter(({ path }) => path.startsWith(prefix)).reduce((sum, { bytes }) => sum + bytes, 0) / 1e6)} MB`;
  results.fact('size of all files', size(''));
  results.fact('of that Wharf', `${size(`${HOME}/dist/`)} and its packages ${size(`${HOME}/node_modules/`)}`);
  results.fact('of that Chromium', size('usr/lib/chromium/'));
  results.fact('of that Node', size('usr/local/'));
}

/** No npm package is there that is only for developing. */
async function lookAtPackages(home: Found[], results: Results): Promise<void> {
  const { packages } = lockSchema.parse(await readJson('package-lock.json'));
  const there = new Set(
    home.flatMap(
      ({ path }) =>
        /^.*\/node_modules\/(?:@[^/]+\/)?[^/@.][^/]*(?=\/)/.exec(path)?.[0].slice(HOME.length + 1) ?? [],
    ),
  );
  const { devDependencies } = manifestSchema.parse(await readJson('package.json'));
  // Packages of types are wanted by packages of production; of their files only the licence is there.
  const ours = new Set(Object.keys(devDependencies).filter((name) => !name.startsWith('@types/')));
  const wrong = [...there].filter((path) => {
    const { dev = false, devOptional = false } = packages[path] ?? {};
    return dev || (devOptional && ours.has(path.slice('node_modules/'.length)));
  });
  results.rule(wrong.length === 0, `packages for developing: ${wrong.join(', ')}`);
  results.rule(there.has('node_modules/whatsapp-web.js'), 'the packages of production are not there');
  results.fact('npm packages', String(there.size));
}

async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(join(REPOSITORY, file), 'utf8'));
}

async function filesOf(root: string): Promise<Found[]> {
  const found: Found[] = [];
  const seen = new Set<number>();
  const visit = async (folder: string): Promise<void> => {
    const entries: Dirent[] = await readdir(join(root, folder), { withFileTypes: true });
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (VIRTUAL.test(`${path}/`) || entry.isSymbolicLink()) continue;
      const { mode, uid, size, ino } = await lstat(join(root, path));
      // One file under many names takes its room once.
      const bytes = entry.isFile() && !seen.has(ino) ? size : 0;
      seen.add(ino);
      found.push({ path, mode, uid, bytes, isFile: entry.isFile() });
      if (entry.isDirectory()) await visit(path);
    }
  };
  await visit('');
  return found;
}
