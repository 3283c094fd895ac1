import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';

/** Where the rules lie: also seen from what was built, which is one folder deeper. */
export const PROMETHEUS = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.js') ? '../../../infra/prometheus' : '../../infra/prometheus',
    import.meta.url,
  ),
);

const ruleSchema = z.object({
  alert: z.string().optional(),
  record: z.string().optional(),
  expr: z.string(),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
});
/** A recording or alerting rule. */
export type Rule = z.infer<typeof ruleSchema>;

const rulesSchema = z.object({ groups: z.array(z.object({ name: z.string(), rules: z.array(ruleSchema) })) });
const testsSchema = z.object({
  tests: z.array(
    z.object({
      alert_rule_test: z.array(z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()) })),
    }),
  ),
});

/** The paths of a folder's YAML files. */
export async function yamlFiles(folder: string): Promise<string[]> {
  const names = (await readdir(join(PROMETHEUS, folder))).filter((name) => name.endsWith('.yml')).sort();
  return names.map((name) => join(PROMETHEUS, folder, name));
}

/** All rules. */
export async function allRules(): Promise<Rule[]> {
  const texts = await Promise.all((await yamlFiles('rules')).map((path) => readFile(path, 'utf8')));
  return texts.flatMap((text) => rulesSchema.parse(parse(text)).groups.flatMap(({ rules }) => rules));
}

/** How often each alarm is tested for being on, and for being off. */
export async function testedAlarms(): Promise<Map<string, { on: number; off: number }>> {
  const tested = new Map<string, { on: number; off: number }>();
  for (const path of await yamlFiles('tests')) {
    const { tests } = testsSchema.parse(parse(await readFile(path, 'utf8')));
    for (const { alertname, exp_alerts } of tests.flatMap((test) => test.alert_rule_test)) {
      const counts = tested.get(alertname) ?? { on: 0, off: 0 };
      counts[exp_alerts.length > 0 ? 'on' : 'off'] += 1;
      tested.set(alertname, counts);
    }
  }
  return tested;
}

/**
 * The metrics that a query asks for: names with a `_` or `:` in them, or `up`. Functions have a bracket behind them, label names stand in braces or after
 * `by`, `on` and the like.
 */
export function metricsIn(query: string): string[] {
  const bare = query
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/\{[^}]*\}/g, '')
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '');
  const names = [...bare.matchAll(/[a-zA-Z_][\w:]*(?!\s*\()\b(?!\s*\()/g)].map(([name]) => name);
  return [...new Set(names.filter((name) => /[_:]/.test(name) || name === 'up'))];
}
