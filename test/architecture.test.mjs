import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { importFaults } from '../scripts/checks/imports.mjs';
import { temporaryDirectory } from './helpers/temp-dir.ts';
import { write } from './scripts/helpers.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folders = ['common', 'fleet', 'instance', 'router', 'backup', 'emulator', 'cli', 'infra', 'test'];

/**
 * Judges a small tree of files by the rules of `.dependency-cruiser.cjs`.
 *
 * @param {Record<string, string>} files text by path
 * @returns {Promise<Record<string, string[]>>} the names of the rules that a file breaks, by file
 */
async function judge(files) {
  const directory = await temporaryDirectory();
  for (const [path, text] of Object.entries(files)) write(join(directory, path), text);
  const broken = {};
  for (const { from, rule } of await importFaults(directory))
    broken[from] = [...(broken[from] ?? []), rule].sort();
  return broken;
}

/** A file that gives `thing`, and one that imports it. */
const pair = (from, to) => ({
  [to]: 'export const thing = 1;\n',
  [from]: `import { thing } from '${relativeImport(from, to)}';\nexport const used = thing;\n`,
});

function relativeImport(from, to) {
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
    ['cli-only-config-and-clients', 'cli/a.ts', 'backup/store/s3-store.ts'],
    ['nothing-imports-tests', 'fleet/a.ts', 'test/helpers/b.ts'],
    ['main-is-the-top', 'test/a.ts', 'router/main.ts'],
    ['main-only-context', 'router/main.ts', 'router/registry/b.ts'],
    ['context-only-from-main', 'instance/session/a.ts', 'instance/context.ts'],
    ['domain-not-http', 'instance/session/a.ts', 'instance/http/b.ts'],
    ['browser-code-apart', 'router/a.ts', 'router/web/b.ts'],
    ['page-only-protocol', 'emulator/page/a.ts', 'emulator/server/b.ts'],
    ['protocol-alone', 'emulator/protocol/a.ts', 'emulator/server/b.ts'],
    ['web-only-records', 'router/web/a.ts', 'router/sessions/b.ts'],
    ['infra-apart', 'router/a.ts', 'infra/grafana/b.ts'],
    ['infra-alone', 'infra/grafana/a.ts', 'fleet/b.ts'],
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
    ['cli/doctor/a.ts', 'backup/store/open-store.ts'],
    ['emulator/page/a.ts', 'emulator/protocol/a.ts'],
    ['test/a.ts', 'instance/session/b.ts'],
    ['test/a.ts', 'infra/grafana/b.ts'],
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
    ['aws-at-home', '@aws-sdk/client-s3', 'backup/objects/a.ts', 'fleet/s3-client.ts'],
    ['tar-at-home', 'tar', 'backup/run/a.ts', 'fleet/backup/archive.ts'],
    ['tar-at-home', 'tar', 'instance/copies/a.ts', 'backup/archive/read-archive.ts'],
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

  it('refuse Node in what runs in a browser, in a component too', async () => {
    const text =
      "import { readFile } from 'node:fs/promises';\nexport const used = <p>{readFile.name}</p>;\n";
    expect(await judge({ 'router/web/components/a.tsx': text })).toEqual({
      'router/web/components/a.tsx': ['browser-without-node'],
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
    const found = [];
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
function code(text) {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<![:'"`\\])\/\/.*$/gm, '');
}
