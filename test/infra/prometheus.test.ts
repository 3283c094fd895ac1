import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { metricPages, queryableNames } from '../helpers/metric-pages.ts';
import { missingPrograms, runProgram } from '../helpers/programs.ts';
import { allRules, metricsIn, PROMETHEUS, testedAlarms, yamlFiles } from './rules.ts';

const missing = missingPrograms(['promtool', 'amtool', 'prometheus-blackbox-exporter']);
if (missing.length > 0) process.stderr.write(`no tests by ${missing.join(', ')}: not installed\n`);

/** What is asked of exporters that are not ours; the proof of the dashboards asks real ones for it. */
const OTHERS = /^(redis|node|probe)_/;

describe.skipIf(missing.length > 0)('the rules and configurations', () => {
  it('are what promtool takes for rules', async () => {
    const { code, said } = await runProgram('promtool', ['check', 'rules', ...(await yamlFiles('rules'))]);
    expect(code, said).toBe(0);
  });

  it.each(['backups', 'fleet', 'messages', 'platform', 'sessions'])(
    'pass the tests of %s',
    async (name) => {
      const file = join(PROMETHEUS, 'tests', `${name}.test.yml`);
      expect(await yamlFiles('tests')).toHaveLength(5);
      const { code, said } = await runProgram('promtool', ['test', 'rules', file]);
      expect(code, said).toBe(0);
    },
    120_000,
  );

  it.each([
    ['promtool', ['check', 'config', 'prometheus.yml']],
    ['promtool', ['check', 'config', 'prometheus.aws.yml']],
    ['amtool', ['check-config', 'alertmanager.yml']],
    ['prometheus-blackbox-exporter', ['--config.check', '--config.file', 'blackbox.yml']],
  ])('are what %s takes: %s', async (program, args) => {
    const words = args.map((word) => (word.endsWith('.yml') ? join(PROMETHEUS, word) : word));
    const { code, said } = await runProgram(program, words);
    expect(code, said).toBe(0);
  });

  it('find nothing to say against the names, units and helps of the metrics', async () => {
    for (const page of Object.values(await metricPages()))
      expect(await runProgram('promtool', ['check', 'metrics'], page)).toEqual({ code: 0, said: '' });
  });
});

describe('the alarms', () => {
  it('say how grave they are, what it is, and where to read what to do', async () => {
    const runbook = join(PROMETHEUS, '../../docs/runbook.md');
    const anchors = existsSync(runbook) ? anchorsOf(await readFile(runbook, 'utf8')) : undefined;
    const alarms = (await allRules()).filter(({ alert }) => alert !== undefined);
    expect(alarms.length).toBeGreaterThan(50);
    for (const { alert, labels, annotations } of alarms) {
      expect(labels['severity'], alert).toMatch(/^(critical|warning|info|none)$/);
      expect(annotations['summary'], alert).toMatch(/\S/);
      expect(annotations['description'], alert).toMatch(/\.$/);
      const [file, anchor = ''] = annotations['runbook']?.split('#') ?? [];
      expect(file, alert).toBe('docs/runbook.md');
      if (anchors) expect(anchors, alert).toContain(anchor);
    }
  });

  it('are each tested, on and off', async () => {
    const tested = await testedAlarms();
    const alarms = (await allRules()).flatMap(({ alert }) => alert ?? []);
    for (const alert of alarms) {
      expect(tested.get(alert)?.on, `${alert} on`).toBeGreaterThan(0);
      // This one is always on.
      if (alert !== 'WharfWatchdog') expect(tested.get(alert)?.off, `${alert} off`).toBeGreaterThan(0);
    }
  });

  it('ask only for metrics that there are', async () => {
    const pages = Object.values(await metricPages());
    const shown = new Set(pages.flatMap((page) => [...queryableNames(page)]));
    const rules = await allRules();
    for (const { record } of rules) if (record) shown.add(record);
    const asked = rules.flatMap(({ expr }) => metricsIn(expr)).filter((name) => name !== 'up');
    expect(asked.length).toBeGreaterThan(60);
    expect([...new Set(asked)].filter((name) => !shown.has(name) && !OTHERS.test(name))).toEqual([]);
  });
});

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}
