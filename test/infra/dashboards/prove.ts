import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { aborted, runProcess } from '../../../common/lifecycle.ts';
import { DASHBOARDS } from '../../../infra/grafana/all.ts';
import { publish } from '../../bench/support/report.ts';
import { findChromium } from '../../helpers/chromium.ts';
import { missingPrograms, runProgram } from '../../helpers/programs.ts';
import { allRules, metricsIn } from '../rules.ts';
import { heightOf, pageOf } from './drawing.ts';
import { type EvaluatedDashboard, evaluate } from './evaluation.ts';
import { Life } from './life.ts';
import { INTERVAL, Watch } from './watch.ts';
import { WatchedFleet } from './watched-fleet.ts';

const PROGRAMS = [
  'prometheus',
  'promtool',
  'prometheus-redis-exporter',
  'prometheus-node-exporter',
  'prometheus-blackbox-exporter',
];

/** Names that no label may hold: of sessions, their phones and those they write to. */
const CUSTOMERS = /watched\d|49170|491701234567/;

/** Of what has a certificate: nothing here has one. */
const ONLY_WITH_TLS = new Set(['probe_ssl_earliest_cert_expiry']);

/**
 * The proof that dashboards and alarms work on a real fleet: `npm run prove:dashboards [-- --json FILE --pictures DIRECTORY --schema FILE]`.
 * A local fleet is watched by a real Prometheus with the rules and the configuration of infra/, while messages go, a backup is made, a workspace is moved and an
 * instance is lost. Then every panel's queries are asked, and drawn. Exit code 1 where one gives nothing, a rule fails, a metric is unknown, or a label names a
 * customer. `--schema`: Grafana's JSON schema of dashboards (jsonschema/dashboard.jsonschema.json of github.com/grafana/grafana-foundation-sdk), to check them by.
 */
await runProcess(async (signal) => {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { json: text, pictures: text, schema: text } });
  const missing = missingPrograms(PROGRAMS);
  if (missing.length > 0) {
    process.stderr.write(
      `Missing: ${missing.join(', ')}. On Debian: apt-get install --no-install-recommends ${missing.join(' ')}\n`,
    );
    return 1;
  }
  const began = performance.now();
  const say = (line: string) =>
    process.stderr.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} ${line}\n`);
  const folder = await mkdtemp(join(tmpdir(), 'wharf-dashboards-'));
  const closing: (() => Promise<void>)[] = [];
  try {
    const schemaFaults = values.schema === undefined ? [] : await faultsBySchema(values.schema);
    const fleet = await WatchedFleet.start(join(folder, 'fleet'), 2);
    closing.push(() => fleet.end());
    say(`a fleet runs: ${fleet.url}`);
    const watch = await Watch.start(join(folder, 'prometheus'), process.cwd(), fleet);
    closing.push(() => watch.end());
    say('Prometheus watches it');
    const start = Math.floor(Date.now() / 1000);
    const stopped = aborted(signal).then(() => Promise.reject(signal.reason));
    await Promise.race([new Life(fleet, watch, say).go(), stopped]);
    const seconds = Math.floor((Date.now() / 1000 - start) / INTERVAL) * INTERVAL;
    const end = start + seconds;

    const boards = await evaluate(watch, join(process.cwd(), 'infra/grafana/json'), start, end);
    const rules = await watch.rules();
    const known = await watch.metrics();
    const written = await allRules();
    const recorded = new Set(written.flatMap(({ record }) => record ?? []));
    const asked = written.flatMap(({ expr }) => metricsIn(expr));
    const unknown = [...new Set(asked)].filter(
      (name) => !known.has(name) && !recorded.has(name) && !ONLY_WITH_TLS.has(name),
    );
    const named = (await watch.labels()).filter((value) => CUSTOMERS.test(value));
    const on = new Set(
      (await watch.range('ALERTS{alertstate="firing"}', start, end)).map(({ labels }) => labels['alertname']),
    );
    const series = await watch.value('count({job=~"wharf-.*"})');
    const lint = await lintOf([fleet.url, ...fleet.instances.map(({ url }) => url), fleet.backupUrl]);

    const empty = boards.flatMap(({ name, empty: queries }) => queries.map((query) => `${name}: ${query}`));
    const broken = rules
      .filter(({ fault }) => fault !== undefined)
      .map(({ name, fault }) => `${name}: ${fault}`);
    const faults = [
      ...schemaFaults,
      ...empty.map((query) => `no data: ${query}`),
      ...broken.map((rule) => `a rule fails: ${rule}`),
      ...unknown.map((name) => `no such metric: ${name}`),
      ...named.map((value) => `a label names a customer: ${value}`),
      ...lint.map((line) => `promtool check metrics: ${line}`),
      ...(on.has('WharfTakeoverRunning') ? [] : ['WharfTakeoverRunning was not on']),
    ];
    if (values.pictures !== undefined) await draw(boards, values.pictures);
    const panels = boards.reduce((sum, board) => sum + board.panels.length, 0);
    const queries = boards.flatMap((board) => board.panels.flatMap(({ panel }) => panel.targets)).length;
    await publish(
      {
        name: 'dashboards-proof',
        title: `Dashboards and alarms on a real fleet: ${faults.length === 0 ? 'every panel has data, every rule works' : 'BROKEN'}`,
        runs: 1,
        versions: { prometheus: await versionOf('prometheus') },
        figures: {
          panels,
          queries,
          queries_empty: empty.length,
          rules: rules.length,
          rules_failed: broken.length,
          series,
          seconds,
        },
        rows: [
          ...boards.map((board): [string, string] => [
            board.title,
            `${board.panels.length} panels, ${board.panels.flatMap(({ panel }) => panel.targets).length} queries, ${board.empty.length} without data`,
          ]),
          ['rules that work, of', `${rules.length - broken.length}, ${rules.length}`],
          ['alarms that were on', [...on].sort().join(', ')],
          ['series of the fleet (2 instances, 4 sessions)', series],
          ['labels that name a customer', named.length],
          [
            "checked by Grafana's schema",
            values.schema === undefined ? 'no' : schemaFaults.length === 0 ? 'yes' : 'BROKEN',
          ],
        ],
        details: { faults, alarms: [...on] },
      },
      { json: values.json, quick: false },
    );
    for (const fault of faults) process.stdout.write(`${fault}\n`);
    return faults.length === 0 ? 0 : 1;
  } finally {
    for (const close of closing.reverse()) await close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
});

async function faultsBySchema(path: string): Promise<string[]> {
  const schema = z.fromJSONSchema(JSON.parse(await readFile(path, 'utf8')));
  return Object.entries(DASHBOARDS).flatMap(([name, made]) => {
    const { error } = schema.safeParse(JSON.parse(JSON.stringify(made)));
    return (error?.issues ?? []).map(({ path: place, message }) => `${name} ${place.join('.')}: ${message}`);
  });
}

/** What promtool has against the live pages. */
async function lintOf(urls: readonly string[]): Promise<string[]> {
  const pages = await Promise.all(urls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
  const said = await Promise.all(pages.map((page) => runProgram('promtool', ['check', 'metrics'], page)));
  return said.flatMap(({ said: lines }) => lines.split('\n')).filter((line) => line !== '');
}

async function versionOf(program: string): Promise<string> {
  return /version ([\d.]+)/.exec((await runProgram(program, ['--version'])).said)?.[1] ?? 'unknown';
}

/** Draws each dashboard, as a page and as a picture of it. */
async function draw(boards: readonly EvaluatedDashboard[], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const board of boards) {
    const html = resolve(folder, `${board.name}.html`);
    await writeFile(html, pageOf(board));
    await runProgram(findChromium(), [
      '--headless',
      '--no-sandbox',
      '--hide-scrollbars',
      `--window-size=1640,${heightOf(board) + 80}`,
      `--screenshot=${resolve(folder, `${board.name}.png`)}`,
      pathToFileURL(html).href,
    ]);
  }
}
