import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { backupDetailSchema } from '../../../fleet/backup/api.ts';
import type { BackupFleet } from '../../chaos/backups/fleet.ts';
import { treeCpuSeconds } from '../support/processes.ts';
import type { Buckets } from './buckets.ts';
import { type Cost, timed } from './timed.ts';

/** A backup that was made. */
export interface Made extends Cost {
  /** What it added to its bucket, bytes. */
  sent: number;
  /** What is particular to a side. */
  more: Record<string, unknown>;
  /** Where a side was asked to read back and check what lies in its bucket: what that cost. */
  proof?: Cost;
}

/** A way to make backups of all that lies on the share. */
export interface Side {
  readonly name: string;
  /** Once for each round, not measured. */
  prepare(bucket: string): Promise<void>;
  back(bucket: string): Promise<Made>;
  /** Reads back and checks all that lies in its bucket, as Wharf does with what it sends, in `back`. */
  prove?(bucket: string): Promise<Cost>;
}

/** Where the others restore to, and what. */
export interface RestoredFiles {
  one: Cost;
  all: Cost;
}

interface Parts {
  directory: string;
  fleet: BackupFleet;
  buckets: Buckets;
}

/** Wharf: its service asks the owners of all sessions, whose browsers run. */
export class WharfSide implements Side {
  readonly name = 'wharf';
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async prepare(bucket: string): Promise<void> {
    const { fleet, buckets } = this.#parts;
    await fleet.useStore({
      BACKUP_S3_BUCKET: bucket,
      BACKUP_S3_ENDPOINT: buckets.server.endpoint,
      ...buckets.env,
    });
  }

  async back(bucket: string): Promise<Made> {
    const { fleet, buckets } = this.#parts;
    const before = await buckets.size(bucket);
    const roots = [fleet.pids.service, ...fleet.pids.supervisors];
    const idle = await idleCores(roots);
    const cpu = await cpuOf(roots);
    const ofService = await cpuOf([fleet.pids.service]);
    const began = performance.now();
    const operation = await fleet.backup();
    const wall = (performance.now() - began) / 1000;
    const used = (await cpuOf(roots)) - cpu - idle * wall;
    const usedByService = (await cpuOf([fleet.pids.service])) - ofService;
    const detail = backupDetailSchema.parse(
      await fleet.api('GET', `/api/backups/${String(operation.backup)}`),
    );
    if (detail.state !== 'complete') throw new Error(`the backup ${detail.id} is ${detail.state}`);
    return {
      wall,
      cpu: used,
      sent: (await buckets.size(bucket)).bytes - before.bytes,
      more: {
        backup: detail.id,
        bytes: detail.bytes,
        idle_cores: idle,
        service_cpu_s: usedByService,
        objects: (await buckets.size(bucket)).objects,
        frozen_ms: detail.contents.flatMap(({ frozen_ms }) => frozen_ms ?? []),
      },
    };
  }
}

/** `tar czf - share | upload`. */
export class TarSide implements Side {
  readonly name = 'tar';
  readonly #parts: Parts;
  #made = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async prepare(): Promise<void> {}

  async back(bucket: string): Promise<Made> {
    const { fleet, buckets } = this.#parts;
    const before = await buckets.size(bucket);
    this.#made += 1;
    // tar's exit code 1: a file changed while it was read; the archive is there.
    const line = `{ tar --ignore-failed-read -czf - -C '${fleet.sessionPath}' . || [ $? = 1 ]; } | '${process.execPath}' '${program('upload-process')}'`;
    const { wall, cpu } = good(
      await timed(line, { ...buckets.env, BUCKET: bucket, KEY: `all-${this.#made}.tar.gz` }),
    );
    return { wall, cpu, sent: (await buckets.size(bucket)).bytes - before.bytes, more: {} };
  }

  /** The newest tar, into an empty directory; one session of it has to read all of it, too. */
  async restore(bucket: string, one: string): Promise<RestoredFiles> {
    const { buckets, directory } = this.#parts;
    const env = { ...buckets.env, BUCKET: bucket, KEY: `all-${this.#made}.tar.gz` };
    return await intoEmpty(join(directory, 'tar-restored'), async (to, which) =>
      good(
        await timed(
          `'${process.execPath}' '${program('download-process')}' | tar -xzf - -C '${to}' ${which === 'one' ? `'./${one}'` : ''}`,
          env,
        ),
      ),
    );
  }
}

/** restic with its defaults. */
export class ResticSide implements Side {
  readonly name = 'restic';
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async prepare(bucket: string): Promise<void> {
    good(await timed('restic init --quiet', this.#env(bucket)));
  }

  async back(bucket: string): Promise<Made> {
    const { fleet, buckets } = this.#parts;
    const before = await buckets.size(bucket);
    // Exit code 3: some file could not be read, since it went meanwhile; the snapshot is there.
    const line = `restic backup --quiet '${fleet.sessionPath}' || [ $? = 3 ]`;
    const { wall, cpu } = good(await timed(line, this.#env(bucket)));
    return { wall, cpu, sent: (await buckets.size(bucket)).bytes - before.bytes, more: {} };
  }

  async prove(bucket: string): Promise<Cost> {
    const { wall, cpu } = good(await timed('restic check --quiet --read-data', this.#env(bucket)));
    return { wall, cpu };
  }

  async restore(bucket: string, one: string): Promise<RestoredFiles> {
    const { fleet, directory } = this.#parts;
    return await intoEmpty(join(directory, 'restic-restored'), async (to, which) =>
      good(
        await timed(
          `restic restore latest --quiet --target '${to}' ${which === 'one' ? `--include '${join(fleet.sessionPath, one)}'` : ''}`,
          this.#env(bucket),
        ),
      ),
    );
  }

  #env(bucket: string): Record<string, string> {
    const { buckets, directory } = this.#parts;
    return {
      ...buckets.env,
      RESTIC_REPOSITORY: `s3:${buckets.server.endpoint}/${bucket}`,
      RESTIC_PASSWORD: 'of-the-benchmark',
      RESTIC_CACHE_DIR: join(directory, `restic-cache-${bucket}`),
    };
  }
}

async function intoEmpty(
  directory: string,
  restore: (to: string, which: 'one' | 'all') => Promise<Cost>,
): Promise<RestoredFiles> {
  const restored: Partial<RestoredFiles> = {};
  for (const which of ['one', 'all'] as const) {
    await mkdir(directory, { mode: 0o700 });
    const { wall, cpu } = await restore(directory, which);
    restored[which] = { wall, cpu };
    await rm(directory, { recursive: true, force: true });
  }
  return restored as RestoredFiles;
}

function good<T extends { code: number; said: string }>(result: T): T {
  if (result.code !== 0) throw new Error(`a command ended with ${result.code}: ${result.said}`);
  return result;
}

function program(name: string): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url));
}

async function cpuOf(roots: readonly number[]): Promise<number> {
  const each = await Promise.all(roots.map(treeCpuSeconds));
  return each.reduce((sum, seconds) => sum + seconds, 0);
}

/** Cores that the same processes use while nothing is asked of them. */
async function idleCores(roots: readonly number[]): Promise<number> {
  const window = 5000;
  const before = await cpuOf(roots);
  const began = performance.now();
  await new Promise((resolve) => setTimeout(resolve, window));
  return ((await cpuOf(roots)) - before) / ((performance.now() - began) / 1000);
}
