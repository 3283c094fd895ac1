import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BackupMetrics } from '../../backup/metrics.ts';
import { startFleet, type TestFleet } from '../helpers/router.ts';

let fleet: TestFleet;
let told: string;
let shown: Set<string>;
let shownByBackups: Set<string>;

beforeAll(async () => {
  fleet = await startFleet();
  const { text } = await fleet.ask('GET', '/metrics', { key: null });
  shown = namesIn(text);
  const backups = new BackupMetrics({
    leads: () => true,
    running: () => false,
    lastSuccess: () => null,
    now: () => 0,
  });
  shownByBackups = namesIn(await backups.text());
  const file = new URL('../../docs/monitoring.md', import.meta.url);
  // `wharf_queue_sent_messages`, `_failed_messages`: the short form takes its beginning from the name before.
  told = (await readFile(file, 'utf8')).replace(/`_(\w+)_messages`/g, '`wharf_queue_$1_messages`');
});
afterAll(() => fleet.close());

function namesIn(text: string): Set<string> {
  return new Set([...text.matchAll(/^# TYPE (wharf_\w+)/gm)].map(([, name = '']) => name));
}

describe('docs/monitoring.md', () => {
  it('tells of every metric of a router', () => {
    const usual = /^wharf_router_(process|nodejs)_/;
    const untold = [...shown].filter((name) => !usual.test(name) && !told.includes(name));
    expect(untold).toEqual([]);
  });

  it('tells of every metric of the backup service', () => {
    const usual = /^wharf_backup_(process|nodejs)_/;
    expect([...shownByBackups].filter((name) => !usual.test(name) && !told.includes(name))).toEqual([]);
  });

  it('tells of none that there is not', () => {
    const names = [...told.matchAll(/\bwharf_(?!instance_(?!verdict))\w*[a-z]\b/g)].map(([name]) => name);
    const known = [...shown, ...shownByBackups];
    const isKnown = (name: string) => known.includes(name) || known.includes(name.replace(/_bucket$/, ''));
    expect([...new Set(names)].filter((name) => !isKnown(name))).toEqual([]);
  });
});
