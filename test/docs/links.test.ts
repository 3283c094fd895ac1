import { execFile } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const listed = await promisify(execFile)('git', ['ls-files', '*.md'], { cwd: root });
const documents = listed.stdout.split('\n').filter(Boolean);

/** The anchors of a document, as GitHub makes them of its headings. */
async function anchorsOf(path: string): Promise<string[]> {
  const headings = (await readFile(path, 'utf8')).matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('a document', () => {
  it.each(documents)('%s links to what is there', async (document) => {
    const text = await readFile(join(root, document), 'utf8');
    const dead: string[] = [];
    for (const [, path = '', anchor] of text.matchAll(/\]\(([^)#\s]*)(?:#([^)\s]+))?\)/g)) {
      // Outside of the repository, or of a running router.
      if (/^(https?:|\/)/.test(path)) continue;
      const target = path === '' ? join(root, document) : normalize(join(root, dirname(document), path));
      const isThere = await access(target).then(
        () => true,
        () => false,
      );
      if (!isThere || (anchor !== undefined && !(await anchorsOf(target)).includes(anchor)))
        dead.push(`${path}${anchor === undefined ? '' : `#${anchor}`}`);
    }
    expect(dead).toEqual([]);
  });
});
