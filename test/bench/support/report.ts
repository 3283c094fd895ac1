import { writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';

/** What every benchmark takes on its command line. */
export interface BenchArguments {
  /** Where the figures are written, or undefined. */
  json: string | undefined;
  /** Fewer runs, to see that it works. */
  quick: boolean;
}

/** Reads `--json FILE --quick`. Throws on anything else. */
export function benchArguments(): BenchArguments {
  const { values } = parseArgs({
    options: { json: { type: 'string' }, quick: { type: 'boolean', default: false } },
  });
  return { json: values.json, quick: values.quick };
}

/** What a benchmark found. */
export interface BenchReport {
  name: string;
  /** What was measured, for people. */
  title: string;
  runs: number;
  versions: Record<string, string>;
  /** Keys that outside checks read; see the interface. */
  figures: Record<string, number>;
  /** Rows for people: what, figure. */
  rows: [string, string | number][];
  details: unknown;
}

/** Prints a table, and writes the figures to a file where one was named. */
export async function publish(report: BenchReport, { json }: BenchArguments): Promise<void> {
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory_gb: Math.round(totalmem() / 2 ** 30),
  };
  const versions = { node: process.version, ...report.versions };
  const shown = Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
  process.stdout.write(
    `${report.title}\n${machine.cpu}, ${machine.cores} cores, ${machine.memory_gb} GB; ${shown}; ${report.runs} run(s)\n`,
  );
  const table = new Table({ head: ['what', 'figure'], style: { head: [], border: [] } });
  for (const row of report.rows) table.push(row);
  process.stdout.write(`${table.toString()}\n`);
  if (json === undefined) return;
  const { name, runs, figures, details } = report;
  await writeFile(json, `${JSON.stringify({ name, machine, versions, runs, figures, details }, null, 2)}\n`);
}

/** Rounded for people. */
export function rounded(value: number, digits = 1): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
