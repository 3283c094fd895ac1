import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { DASHBOARDS, textOf } from '../../infra/grafana/all.ts';
import { metricPages, queryableNames } from '../helpers/metric-pages.ts';
import { missingPrograms, runProgram } from '../helpers/programs.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';
import { filledIn, GRAFANA, type Panel, readDashboard } from './panels.ts';
import { allRules, metricsIn } from './rules.ts';

const names = Object.keys(DASHBOARDS);

const panelsOf = async (name: string) =>
  (await readDashboard(`${name}.json`)).panels.filter(({ type }) => type !== 'row');
const queriesOf = async (name: string) =>
  (await panelsOf(name)).flatMap(({ targets }) => targets.map(({ expr }) => filledIn(expr, '1m')));

describe('the dashboards', () => {
  it('are as their source makes them: npm run dashboards', async () => {
    expect((await readdir(GRAFANA)).sort()).toEqual(names.map((name) => `${name}.json`).sort());
    for (const [name, made] of Object.entries(DASHBOARDS))
      expect(await readFile(join(GRAFANA, `${name}.json`), 'utf8'), name).toBe(textOf(made));
  });

  it('have panels that say what they show, each in a place of its own', async () => {
    const uids = new Set<string>();
    for (const name of names) {
      const { uid, panels } = await readDashboard(`${name}.json`);
      uids.add(uid);
      expect(new Set(panels.map(({ id }) => id)).size, name).toBe(panels.length);
      for (const [index, panel] of panels.entries()) {
        expect(panel.gridPos.x + panel.gridPos.w, panel.title).toBeLessThanOrEqual(24);
        for (const other of panels.slice(index + 1))
          expect(overlap(panel, other), `${name}: ${panel.title}, ${other.title}`).toBe(false);
        if (panel.type === 'row') continue;
        expect(panel.description, panel.title).toMatch(/\S/);
        expect(panel.targets.length, panel.title).toBeGreaterThan(0);
      }
    }
    expect(uids.size).toBe(names.length);
  });

  it('ask only for metrics that there are', async () => {
    const shown = new Set(Object.values(await metricPages()).flatMap((page) => [...queryableNames(page)]));
    for (const { record } of await allRules()) if (record) shown.add(record);
    for (const name of names) {
      const asked = (await queriesOf(name)).flatMap(metricsIn);
      expect(asked.length).toBeGreaterThan(10);
      const others = asked.filter((metric) => !shown.has(metric) && !/^(up|ALERTS|redis_\w+)$/.test(metric));
      expect(others, name).toEqual([]);
    }
  });

  it.skipIf(missingPrograms(['promtool']).length > 0)('ask in PromQL', async () => {
    const rules = (await Promise.all(names.map(queriesOf)))
      .flat()
      .map((expr, index) => ({ record: `query:of:${index}`, expr }));
    const file = join(await temporaryDirectory(), 'queries.yml');
    await writeFile(file, stringify({ groups: [{ name: 'queries', rules }] }));
    const { code, said } = await runProgram('promtool', ['check', 'rules', file]);
    expect(code, said).toBe(0);
    expect(said).toContain(`${rules.length} rules found`);
  });
});

function overlap({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}
