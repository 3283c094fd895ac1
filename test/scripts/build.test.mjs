import { execFile } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../helpers/temp-dir.ts';
import { write } from './helpers.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the build', () => {
  let directory;
  beforeEach(async () => {
    directory = await temporaryDirectory();
    for (const name of [
      'scripts',
      'tsconfig.json',
      'tsconfig.browser.json',
      'package.json',
      'package-lock.json',
    ]) {
      cpSync(join(root, name), join(directory, name), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
    write(join(directory, 'common/a.ts'), "import { b } from './b.ts';\nexport const a = b;\n");
    write(join(directory, 'common/b.ts'), 'export const b: number = 1;\n');
    write(join(directory, 'fleet/commands/do-1.lua'), 'return 1\n');
    write(join(directory, 'emulator/page/main.ts'), 'document.title = "page";\n');
  });

  /** Builds as a start does: only when sources changed. */
  const build = () =>
    new Promise((resolve) => {
      const program =
        "const { runBuild } = await import('./scripts/build/all.mjs'); const { runScript } = await import('./scripts/say.mjs'); await runScript(async () => { await runBuild(); });";
      execFile(
        process.execPath,
        ['--input-type=module', '-e', program],
        { cwd: directory },
        (error, _stdout, stderr) => resolve({ code: error?.code ?? 0, said: stderr }),
      );
    });
  const inDist = (path) => join(directory, 'dist', path);

  it('compiles, bundles and copies to dist', async () => {
    expect(await build()).toMatchObject({ code: 0 });
    expect(readFileSync(inDist('common/a.js'), 'utf8')).toMatch(/from ['"]\.\/b\.js['"]/);
    expect(readFileSync(inDist('fleet/commands/do-1.lua'), 'utf8')).toBe('return 1\n');
    expect(readFileSync(inDist('emulator/page/page.js'), 'utf8')).toContain('document.title');
    expect(existsSync(inDist('emulator/page/main.js'))).toBe(false);
  });

  it('does nothing when no source changed, and builds when one did', async () => {
    await build();
    const stamp = () => statSync(inDist('.built')).mtimeMs;
    const first = stamp();
    expect(await build()).toEqual({ code: 0, said: '' });
    expect(stamp()).toBe(first);
    write(join(directory, 'common/b.ts'), 'export const b: number = 22;\n');
    await build();
    expect(readFileSync(inDist('common/b.js'), 'utf8')).toContain('22');
  });

  it('removes from dist what has no source any more', async () => {
    await build();
    rmSync(join(directory, 'common/b.ts'));
    rmSync(join(directory, 'fleet/commands/do-1.lua'));
    write(join(directory, 'common/a.ts'), 'export const a = 1;\n');
    expect(await build()).toMatchObject({ code: 0 });
    expect(
      [inDist('common/b.js'), inDist('common/b.js.map'), inDist('fleet/commands/do-1.lua')].filter(
        existsSync,
      ),
    ).toEqual([]);
  });

  it('makes an output again that somebody removed', async () => {
    await build();
    rmSync(inDist('common/b.js'));
    write(join(directory, 'common/a.ts'), "import { b } from './b.ts';\nexport const a = b + 1;\n");
    await build();
    expect(existsSync(inDist('common/b.js'))).toBe(true);
  });

  it('fails with what the compiler and the bundler say, and builds again at the next try', async () => {
    write(join(directory, 'common/b.ts'), 'export const b: number = "text";\n');
    write(join(directory, 'emulator/page/main.ts'), 'document.title = ;\n');
    for (const _ of [1, 2]) {
      const { code, said } = await build();
      expect(code).toBe(1);
      expect(said).toMatch(/common\/b\.ts\(1,14\): error TS2322/);
      expect(said).toMatch(/emulator\/page\/main\.ts:1:17/);
    }
  });

  it('is done once when two ask for it at the same time', async () => {
    const both = await Promise.all([build(), build()]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(both.filter(({ said }) => said.includes('build: done'))).toHaveLength(1);
  });
});
