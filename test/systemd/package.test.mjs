import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contents } from '../../scripts/package/contents.mjs';
import { control } from '../../scripts/package/control.mjs';
import { packedBy } from '../../scripts/package/deb.mjs';
import { productionPackages } from '../../scripts/package/production-packages.mjs';
import { versionFault } from '../../scripts/package/version.mjs';
import { isBuilt, isNeeded } from '../../scripts/package/wanted.mjs';
import { root } from '../../scripts/paths.mjs';
import { missingPrograms } from '../helpers/programs.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;

describe("the package's files", () => {
  const files = contents('1.2.3');
  const paths = files.map(({ to }) => to);

  it('are what a machine runs: the build, units, settings, commands, documents', () => {
    expect(paths).toEqual(
      expect.arrayContaining([
        'usr/lib/wharf/dist/instance/supervisor/main.js',
        'usr/lib/wharf/dist/router/main.js',
        'usr/lib/wharf/dist/router/web/app.js',
        'usr/lib/wharf/dist/backup/main.js',
        'usr/lib/wharf/dist/cli/main.js',
        'usr/lib/wharf/node_modules/whatsapp-web.js/package.json',
        'usr/lib/wharf/env/wharf.env',
        'usr/lib/wharf/mounts/nfs/mnt-wharf.mount',
        'usr/lib/systemd/system/wharf-instance@.service',
        'usr/lib/sysusers.d/wharf.conf',
        'usr/share/doc/wharf/copyright',
        'usr/share/doc/wharf/deployment.md',
        'usr/share/man/man8/wharf-upgrade.8.gz',
        'DEBIAN/postinst',
      ]),
    );
    expect(new Set(paths).size).toBe(paths.length);
  });

  it('have nothing of development: packages, tests, types, maps', () => {
    const development = Object.keys(lock).filter((path) => lock[path].dev === true);
    const found = development.filter((path) =>
      paths.some((file) => file.startsWith(`usr/lib/wharf/${path}/`)),
    );
    expect(development.length).toBeGreaterThan(10);
    expect(found).toEqual([]);
    expect(
      paths.filter((path) => /\.map$|\.d\.[cm]?ts$|\/dist\/test\/|node_modules\/typescript\//.test(path)),
    ).toEqual([]);
  });

  it('can be run where they are programs, written by root alone, and carry no settings of a machine', () => {
    const programs = files.filter(({ mode }) => mode === 0o755).map(({ to }) => to);
    expect(programs.sort()).toEqual([
      'DEBIAN/postinst',
      'DEBIAN/postrm',
      'DEBIAN/preinst',
      'DEBIAN/prerm',
      'usr/bin/wharf',
      'usr/lib/wharf/bin/require-share',
      'usr/sbin/wharf-doctor',
      'usr/sbin/wharf-install',
      'usr/sbin/wharf-upgrade',
    ]);
    expect(files.filter(({ mode }) => mode !== 0o755 && mode !== 0o644)).toEqual([]);
    expect(paths.filter((path) => /^(etc|var|mnt|run)\//.test(path))).toEqual([]);
  });

  it('name the version they were made as', () => {
    const manifest = files.find(({ to }) => to === 'usr/lib/wharf/package.json');
    expect(JSON.parse(manifest.content)).toMatchObject({ version: '1.2.3', type: 'module' });
  });
});

describe('the npm packages of production', () => {
  it('are those that are needed, found beside or above, peers that are optional left out', () => {
    const packages = {
      '': { dependencies: { a: '1' }, devDependencies: { tool: '1' } },
      'node_modules/a': {
        dependencies: { b: '1' },
        optionalDependencies: { gone: '1' },
        peerDependencies: { peer: '1', extra: '1' },
        peerDependenciesMeta: { extra: { optional: true } },
      },
      'node_modules/a/node_modules/b': { dependencies: { c: '1' } },
      'node_modules/b': {},
      'node_modules/c': {},
      'node_modules/peer': {},
      'node_modules/extra': { peer: true },
      'node_modules/tool': { dev: true },
    };
    expect(productionPackages(packages)).toEqual([
      'node_modules/a',
      'node_modules/a/node_modules/b',
      'node_modules/c',
      'node_modules/peer',
    ]);
  });

  it('must all be in the lock file', () => {
    expect(() => productionPackages({ '': { dependencies: { a: '1' } } })).toThrow(
      'lacks a, which package.json needs',
    );
  });
});

it.each([
  ['lib/index.js', true],
  ['LICENSE', true],
  ['LICENSE.md', true],
  ['docs/LICENSE', false],
  ['README.md', false],
  ['lib/index.d.ts', false],
  ['lib/index.js.map', false],
  ['test/index.js', false],
  ['lib/test/index.js', true],
  ['prebuilds/android-arm/it.node', false],
  ['.github/workflows/ci.js', false],
])('of an npm package takes or leaves %s: %s', (path, taken) => expect(isNeeded(path)).toBe(taken));

it('of the build takes what services run from', () => {
  expect(['router/main.js', 'router/main.js.map', 'test/bench/session.js', '.built'].filter(isBuilt)).toEqual(
    ['router/main.js'],
  );
});

it.each(['0.1.0', '1.0~rc1', '2026.11'])('takes the version %s', (version) =>
  expect(versionFault(version)).toBeUndefined(),
);
it.each(['', 'v1', '1.0-1', '1 0', '1;rm'])('refuses the version "%s"', (version) =>
  expect(versionFault(version)).toContain('--version'),
);

const missing = missingPrograms(['dpkg-deb', 'xz']);
if (missing.length > 0) process.stderr.write(`no package is built in tests: ${missing.join(', ')} missing\n`);

it.skipIf(missing.length > 0)(
  'is packed to the same bytes from the same files, whenever they were made',
  async () => {
    const made = [];
    for (const time of [1_700_000_000, 1_700_000_777]) {
      const directory = await temporaryDirectory();
      const stage = join(directory, 'stage');
      mkdirSync(join(stage, 'DEBIAN'), { recursive: true });
      mkdirSync(join(stage, 'usr/lib/wharf'), { recursive: true });
      writeFileSync(join(stage, 'usr/lib/wharf/file'), 'content\n', { mode: 0o644 });
      utimesSync(join(stage, 'usr/lib/wharf/file'), time, time);
      writeFileSync(join(stage, 'DEBIAN/control'), control(stage, '1.2.3', 'all'));
      made.push(await packedBy(stage, join(directory, 'it.deb')));
    }
    expect(made[0]).toMatchObject({ installedBytes: 8, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(made[1]).toEqual(made[0]);
  },
);
