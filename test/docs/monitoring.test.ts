import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { metricPages, namesOn } from '../helpers/metric-pages.ts';

/** The label that says which instance a metric is of. */
const LABEL = 'wharf_instance';

const read = async () => {
  const text = await readFile(new URL('../../docs/monitoring.md', import.meta.url), 'utf8');
  // `wharf_queue_sent_messages`, `_failed_messages`: the short form takes its beginning from the name before.
  return text.replace(/`_(\w+)_messages`/g, '`wharf_queue_$1_messages`');
};

it('docs/monitoring.md tells of every metric that there is, and of none that there is not', async () => {
  const told = await read();
  const pages = await metricPages();
  const shown = new Set(Object.values(pages).flatMap((page) => [...namesOn(page, true)]));
  expect([...shown].filter((name) => !told.includes(`\`${name}`))).toEqual([]);
  const names = [...told.matchAll(/\bwharf_\w*[a-z]\b/g)].map(([name]) => name.replace(/_bucket$/, ''));
  expect([...new Set(names)].filter((name) => !shown.has(name) && name !== LABEL)).toEqual([]);
});
