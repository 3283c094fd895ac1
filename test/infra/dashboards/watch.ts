import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { eventually } from '../../helpers/eventually.ts';
import { freePort } from '../../helpers/redis.ts';
import { RunningProgram } from './running-program.ts';
import type { WatchedFleet } from './watched-fleet.ts';

const START_PATIENCE = 60_000;

/** Seconds between two looks: a day's events pass in minutes here. */
export const INTERVAL = 2;

const sampleSchema = z.tuple([z.number(), z.string()]);
const seriesSchema = z.object({
  metric: z.record(z.string(), z.string()),
  values: z.array(sampleSchema).optional(),
  value: sampleSchema.optional(),
});
/** A series of a query over a time: its labels, and pairs of Unix time and value. */
export interface Series {
  labels: Record<string, string>;
  points: [number, number][];
}

const alertsSchema = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          name: z.string(),
          type: z.string(),
          health: z.string(),
          lastError: z.string().optional(),
        }),
      ),
    }),
  ),
});

/** A real Prometheus with the configuration and the rules of infra/prometheus, and exporters, that watches a fleet. */
export class Watch {
  readonly #url: string;
  readonly #programs: RunningProgram[];

  private constructor(url: string, programs: RunningProgram[]) {
    this.#url = url;
    this.#programs = programs;
  }

  /** Starts it in an empty directory. @param root the repository's */
  static async start(folder: string, root: string, fleet: WatchedFleet): Promise<Watch> {
    await mkdir(join(folder, 'targets'), { recursive: true });
    const ports = {
      prometheus: await freePort(),
      redis: await freePort(),
      node: await freePort(),
      blackbox: await freePort(),
    };
    const at = (port: number) => `127.0.0.1:${port}`;
    const host = (url: string) => new URL(url).host;
    const targets = {
      routers: [{ targets: [host(fleet.url)] }],
      instances: fleet.instances.map(({ id, url }) => ({
        targets: [host(url)],
        labels: { wharf_instance: id },
      })),
      backup: [{ targets: [host(fleet.backupUrl)] }],
      nodes: [{ targets: [at(ports.node)] }],
      redis: [{ targets: [`redis://${fleet.redisUrl.host}`], labels: { holds: 'both' } }],
      // Of whatever there is that has a certificate: nothing here has, so this stays down.
      addresses: [{ targets: ['https://127.0.0.1:9/health'] }],
    };
    for (const [name, list] of Object.entries(targets))
      await writeFile(join(folder, 'targets', `${name}.yml`), stringify(list));
    const config = parse(await readFile(join(root, 'infra/prometheus/prometheus.yml'), 'utf8'));
    config.global.scrape_interval = `${INTERVAL}s`;
    config.global.evaluation_interval = `${INTERVAL}s`;
    config.rule_files = [join(root, 'infra/prometheus/rules/*.yml')];
    config.alerting = {};
    const text = stringify(config)
      .replaceAll('127.0.0.1:9121', at(ports.redis))
      .replaceAll('127.0.0.1:9115', at(ports.blackbox))
      .replaceAll('127.0.0.1:9090', at(ports.prometheus));
    const file = join(folder, 'prometheus.yml');
    await writeFile(file, text);
    const programs = [
      new RunningProgram('prometheus-redis-exporter', ['--web.listen-address', at(ports.redis)], {
        REDIS_PASSWORD: fleet.redisUrl.password,
      }),
      new RunningProgram('prometheus-node-exporter', ['--web.listen-address', at(ports.node)]),
      new RunningProgram('prometheus-blackbox-exporter', [
        '--config.file',
        resolve(root, 'infra/prometheus/blackbox.yml'),
        '--web.listen-address',
        at(ports.blackbox),
      ]),
      new RunningProgram('prometheus', [
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=${at(ports.prometheus)}`,
      ]),
    ];
    const watch = new Watch(`http://${at(ports.prometheus)}`, programs);
    try {
      await eventually(async () => {
        const dead = programs.find((program) => program.hasEnded);
        if (dead) throw new Error(dead.err);
        return (await fetch(`http://${at(ports.prometheus)}/-/ready`).catch(() => undefined))?.ok;
      }, START_PATIENCE);
      return watch;
    } catch (error) {
      await watch.end();
      throw error;
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.end()));
  }

  /** A query's first value now; NaN where it has none. */
  async value(query: string): Promise<number> {
    const [first] = await this.#query('query', { query });
    return first?.points.at(-1)?.[1] ?? Number.NaN;
  }

  /** A query over a time, Unix seconds. */
  range(query: string, start: number, end: number): Promise<Series[]> {
    return this.#query('query_range', {
      query,
      start: String(start),
      end: String(end),
      step: String(INTERVAL),
    });
  }

  /** All rules, with what Prometheus has against them. */
  async rules(): Promise<{ name: string; type: string; fault: string | undefined }[]> {
    const { groups } = alertsSchema.parse(await this.#ask('rules', {}));
    return groups.flatMap(({ rules }) =>
      rules.map(({ name, type, health, lastError }) => ({
        name,
        type,
        fault: health === 'ok' ? undefined : `${health}: ${lastError}`,
      })),
    );
  }

  /** The names of all metrics that were ever seen. */
  async metrics(): Promise<Set<string>> {
    return new Set(z.array(z.string()).parse(await this.#ask('label/__name__/values', {})));
  }

  /** All values of a label. */
  async labels(): Promise<string[]> {
    const names = z.array(z.string()).parse(await this.#ask('labels', {}));
    const values = await Promise.all(names.map((name) => this.#ask(`label/${name}/values`, {})));
    return values.flatMap((list) => z.array(z.string()).parse(list));
  }

  async #query(path: string, words: Record<string, string>): Promise<Series[]> {
    const { result } = z.object({ result: z.array(seriesSchema) }).parse(await this.#ask(path, words));
    return result.map(({ metric, values, value }) => ({
      labels: metric,
      points: (values ?? (value ? [value] : [])).map(([time, text]) => [time, Number(text)]),
    }));
  }

  async #ask(path: string, words: Record<string, string>): Promise<unknown> {
    const answer = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(words)}`);
    const body = z
      .object({ status: z.string(), data: z.unknown(), error: z.string().optional() })
      .parse(await answer.json());
    if (body.status !== 'success') throw new Error(`${path} ${JSON.stringify(words)}: ${body.error}`);
    return body.data;
  }
}
