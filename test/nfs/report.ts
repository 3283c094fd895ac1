import { loadavg } from 'node:os';
import Table from 'cli-table3';
import type { Found } from './found.ts';
import type { Delay } from './parts/visibility.ts';

/** All that was found, as tables for people. */
export function tablesOf(found: Found): string {
  return [
    shown('How soon a new claim shows to another client, which looked for it before; ms', DELAY_HEAD, [
      ...found.visibility.map(({ mount, what, delay }) => [
        mount,
        what,
        ...delayCells(delay),
        delay.stale_max,
      ]),
      ...found.replaced.map(({ mount, delay }) => [mount, 'replaced by rename', ...delayCells(delay)]),
    ]),
    shown(
      'Errors that reads of a file met while it was replaced',
      ['mount', 'read as records are read', 'plain reads', 'an older one after a newer one'],
      found.replaced.map(({ mount, delay }) => [
        mount,
        delay.errors_of_records,
        delay.errors_of_plain_reads,
        delay.went_back,
      ]),
    ),
    shown('Two clients claim one epoch at a time', RACES_HEAD, [
      ...found.races.map(({ mount, races }) => [mount, ...raceCells(races)]),
      ...found.host_names.map(({ naming, races }) => [naming, ...raceCells(races)]),
    ]),
    shown(
      'Host names',
      ['', 'exclusive lock given twice', 'logs of both: lines', 'faults', 'missing', 'errors'],
      found.host_names.map(({ naming, lock_given_twice, logs }) => [
        naming,
        lock_given_twice ? 'yes' : 'no',
        ...(['lines', 'faults', 'missing'] as const).map((name) => logs.map((log) => log[name]).join(' / ')),
        logs.map(({ errors }) => JSON.stringify(errors)).join(' / '),
      ]),
    ),
    ...found.cut_off.map((one) => facts(`A client cut off for ${one.away} s with dirty pages`, one)),
    ...found.server_restart.map((one) => facts('The file server restarted', one)),
    ...found.power_off.map((one) => facts('A machine powered off', one)),
    ...found.failover.map((one) => facts('Wharf with Chromium', one)),
  ]
    .filter((text) => text !== '')
    .join('\n');
}

/** What else the machine had to do: figures of an emulated machine mean little without. */
export function load(): string {
  return loadavg()
    .map((value) => value.toFixed(1))
    .join(' ');
}

const DELAY_HEAD = [
  'mount',
  'look',
  'samples',
  'median',
  'p95',
  'max',
  'one look: median',
  'max',
  'oldest look that missed it',
];
const RACES_HEAD = [
  '',
  'rounds',
  'won by each',
  'two winners',
  'none',
  'disagreed',
  'one claim: median ms',
  'max',
  'errors',
];

function delayCells(delay: Delay): (string | number)[] {
  const { samples, median, p95, max, look_median, look_max } = delay;
  return [
    samples,
    median,
    p95,
    max,
    ...[look_median, look_max].map((one) => (Number.isFinite(one) ? one : '-')),
  ];
}

function raceCells(races: Found['races'][number]['races']): (string | number)[] {
  const { rounds, wins, two, none, disagreed, took_median, took_max, errors } = races;
  return [rounds, wins.join(' / '), two, none, disagreed, took_median, took_max, errors.length];
}

function facts(title: string, found: object): string {
  const rows = Object.entries(found).flatMap(([name, value]): [string, string][] => {
    const shownName = name.replaceAll('_', ' ');
    if (typeof value !== 'object' || value === null) return [[shownName, String(value)]];
    if (Array.isArray(value)) return [[shownName, value.map((one) => JSON.stringify(one)).join('\n')]];
    return Object.entries(value).map(([part, one]) => [`${shownName}: ${part}`, JSON.stringify(one)]);
  });
  return shown(title, ['what', 'found'], rows);
}

function shown(title: string, head: string[], rows: (string | number)[][]): string {
  if (rows.length === 0) return '';
  const table = new Table({ head, style: { head: [], border: [] }, wordWrap: true });
  table.push(...rows);
  return `\n${title}\n${table.toString()}`;
}
