import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { temporaryDirectory } from './helpers/temp-dir.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const config = join(root, '.dependency-cruiser.cjs');
const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
const folders = ['common', 'fleet', 'instance', 'router', 'backup', 'emulator', 'cli', 'test'];

const reportSchema = z.object({
  summary: z.object({
    violations: z.array(z.object({ from: z.string(), rule: z.object({ name: z.string() }) })),
  }),
});

/**
 * Judges a small tree of files by the rules of `.dependency-cruiser.cjs`.
 *
 * @param imports what each file imports; a file that is only imported may be left out
 * @returns the names of the rules that a file breaks, by file
 */
async function judge(files: Record<string, string>): Promise<Record<string, string[]>> {
  const directory = await temporaryDirectory();
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
  await writeFile(join(directory, 'package.json'), await readFile(join(root, 'package.json')));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
  const present = folders.filter((folder) =>
    Object.keys(files).some((path) => path.startsWith(`${folder}/`)),
  );
  const args = [cruiser, '--config', config, '--output-type', 'json', ...present];
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      args,
      { cwd: directory, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        // Its exit code is the number of violations; without a report it has failed.
        if (stdout.startsWith('{')) resolve(stdout);
        else reject(new Error(`dependency-cruiser gave no report: ${stderr || error?.message}`));
      },
    );
  });
  const broken: Record<string, string[]> = {};
  for (const { from, rule } of reportSchema.parse(JSON.parse(output)).summary.violations) {
    broken[from] = [...(broken[from] ?? []), rule.name].sort();
  }
  return broken;
}

/** A file that gives `thing`, and one that imports it. */
const pair = (from: string, to: string) => ({
  [to]: 'export const thing = 1;\n',
  [from]: `import { thing } from '${relativeImport(from, to)}';\nexport const used = thing;\n`,
});

function relativeImport(from: string, to: string): string {
  const up = '../'.repeat(from.split('/').length - 1);
  return `${up === '' ? './' : up}${to}`;
}

describe('the rules of who imports whom', () => {
  it.each([
    ['common-stands-alone', 'common/a.ts', 'fleet/b.ts'],
    ['common-stands-alone', 'common/http/a.ts', 'router/b.ts'],
    ['fleet-only-common', 'fleet/a.ts', 'instance/b.ts'],
    ['services-apart', 'router/a.ts', 'instance/b.ts'],
    ['services-apart', 'emulator/server/a.ts', 'router/config.ts'],
    ['nothing-imports-cli', 'instance/a.ts', 'cli/b.ts'],
    ['cli-only-config-and-clients', 'cli/a.ts', 'router/sessions/b.ts'],
    ['nothing-imports-tests', 'fleet/a.ts', 'test/helpers/b.ts'],
    ['main-is-the-top', 'test/a.ts', 'router/main.ts'],
    ['main-only-context', 'router/main.ts', 'router/registry/b.ts'],
    ['context-only-from-main', 'instance/session/a.ts', 'instance/context.ts'],
    ['domain-not-http', 'instance/session/a.ts', 'instance/http/b.ts'],
    ['browser-code-apart', 'router/a.ts', 'router/web/b.ts'],
    ['page-only-protocol', 'emulator/page/a.ts', 'emulator/server/b.ts'],
    ['web-without-processes', 'router/web/a.ts', 'router/sessions/b.ts'],
  ])('%s: refuse %s importing %s', async (rule, from, to) => {
    expect(await judge(pair(from, to))).toEqual({ [from]: [rule] });
  });

  it.each([
    ['fleet/a.ts', 'common/b.ts'],
    ['instance/session/a.ts', 'fleet/b.ts'],
    ['instance/main.ts', 'instance/context.ts'],
    ['instance/context.ts', 'instance/http/b.ts'],
    ['instance/http/a.ts', 'instance/session/b.ts'],
    ['cli/a.ts', 'router/config.ts'],
    ['emulator/page/a.ts', 'emulator/protocol.ts'],
    ['test/a.ts', 'instance/session/b.ts'],
  ])('allow %s importing %s', async (from, to) => {
    expect(await judge(pair(from, to))).toEqual({});
  });

  it('count a type-only import as an import', async () => {
    const files = {
      'fleet/b.ts': 'export type Thing = string;\n',
      'common/a.ts': "import type { Thing } from '../fleet/b.ts';\nexport const used: Thing = '';\n",
    };
    expect(await judge(files)).toEqual({ 'common/a.ts': ['common-stands-alone'] });
  });

  it('refuse a cycle, also one of types', async () => {
    const files = {
      'common/a.ts': "import type { B } from './b.ts';\nexport type A = B | 1;\n",
      'common/b.ts': "import type { A } from './a.ts';\nexport type B = A | 2;\n",
    };
    expect(Object.values(await judge(files)).flat()).toContain('no-cycles');
  });

  it('refuse a re-export of one of our own files, not one of a package', async () => {
    const files = {
      'common/a.ts': 'export const a = 1;\n',
      'common/b.ts': "export { a } from './a.ts';\n",
      'common/c.ts': "export type { Logger } from 'pino';\n",
    };
    expect(await judge(files)).toEqual({ 'common/b.ts': ['no-barrels'] });
  });

  it.each([
    [
      'whatsapp-web-js-at-home',
      'whatsapp-web.js',
      'instance/session/a.ts',
      'instance/whatsapp/whatsapp-web-js.ts',
    ],
    ['ioredis-at-home', 'ioredis', 'router/registry/a.ts', 'fleet/redis-registry.ts'],
  ])('%s: %s only where it belongs', async (rule, vendor, elsewhere, home) => {
    const text = `import vendor from '${vendor}';\nexport const used = vendor;\n`;
    expect(await judge({ [elsewhere]: text, [home]: text, 'test/a.ts': text })).toEqual({
      [elsewhere]: [rule],
    });
  });

  it('refuse a package that is only there for development, outside of tests', async () => {
    const text = "import check from 'fast-check';\nexport const used = check;\n";
    expect(await judge({ 'common/a.ts': text, 'test/a.ts': text })).toEqual({
      'common/a.ts': ['no-development-packages'],
    });
  });

  it('refuse an import that leads nowhere', async () => {
    expect(await judge({ 'common/a.ts': "import { b } from './b.ts';\nexport const used = b;\n" })).toEqual({
      'common/a.ts': ['resolvable'],
    });
  });
});

describe('the source', () => {
  const sources = async () => {
    const found: { path: string; text: string }[] = [];
    for (const folder of folders) {
      const names = await readdir(join(root, folder), { recursive: true }).catch(() => []);
      for (const name of names.filter((one) => /\.tsx?$/.test(one))) {
        const path = `${folder}/${name}`;
        found.push({ path, text: await readFile(join(root, path), 'utf8') });
      }
    }
    expect(found.length).toBeGreaterThan(50);
    return found;
  };

  it('reads process.env in common/env.ts alone', async () => {
    const readers = (await sources()).filter(
      ({ path, text }) =>
        !path.startsWith('test/') && /\bprocess\s*\.\s*env\b|from 'node:process'/.test(code(text)),
    );
    expect(readers.map(({ path }) => path)).toEqual(['common/env.ts']);
  });

  it('has no index files, which would be barrels', async () => {
    expect(
      (await sources()).map(({ path }) => path).filter((path) => /(^|\/)index\.tsx?$/.test(path)),
    ).toEqual([]);
  });

  it('names imported types at the top of a file, where the rules of who imports whom see them', async () => {
    const hidden = (await sources()).filter(
      ({ path, text }) => !path.startsWith('test/') && /(?<!await )\bimport\((?!\.)/.test(code(text)),
    );
    expect(hidden.map(({ path }) => path)).toEqual([]);
  });
});

/** A source without its comments. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<![:'"`\\])\/\/.*$/gm, '');
}
