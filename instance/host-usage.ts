import { type ProcessEntry, pidsUnder, processTable, pssOf } from './whatsapp/process-tree.ts';

/** What an instance and its browsers use of the host. */
export interface HostUsage {
  rss_mb: number;
  browsers_pss_mb: number;
  /** Cores, over the time since the last measurement. */
  cpu: number;
}

/** Clock ticks a second that `/proc` counts in; 100 on every Linux that Node runs on. */
const TICKS = 100;

/** Browsers whose memory is measured at one time: the kernel takes milliseconds for each, and there may be hundreds. */
const BATCH = 10;

/** Measures at intervals what the instance and its browsers use: processor time of all of them each time, memory of some of them in turn. */
export class HostUsageMeter {
  readonly #browsers: () => number[];
  /** Bytes by browser, as last measured. */
  readonly #memory = new Map<number, number>();
  #next = 0;
  #last: HostUsage = { rss_mb: 0, browsers_pss_mb: 0, cpu: 0 };
  #before: { ticks: number; time: number } | undefined;

  /** @param browsers the pids of the browsers that run */
  constructor(browsers: () => number[]) {
    this.#browsers = browsers;
  }

  /** The latest measurement. */
  get last(): HostUsage {
    return this.#last;
  }

  /** Bytes that a browser and the processes below it take, as last measured; undefined where they were not yet. */
  memoryOf(browser: number): number | undefined {
    return this.#memory.get(browser);
  }

  async measure(): Promise<void> {
    const browsers = this.#browsers();
    const table = await processTable();
    await this.#measureSome(browsers, table);
    const ticks = [process.pid, ...pidsUnder(table, browsers)].reduce(
      (sum, pid) => sum + (table.get(pid)?.ticks ?? 0),
      0,
    );
    const time = performance.now();
    const cpu = this.#before
      ? Math.max(0, ((ticks - this.#before.ticks) / TICKS / (time - this.#before.time)) * 1000)
      : 0;
    this.#before = { ticks, time };
    this.#last = {
      rss_mb: megabytes(process.memoryUsage.rss()),
      browsers_pss_mb: megabytes(this.#total(browsers)),
      cpu: Math.round(cpu * 100) / 100,
    };
  }

  async #measureSome(browsers: readonly number[], table: ReadonlyMap<number, ProcessEntry>): Promise<void> {
    for (const pid of this.#memory.keys()) if (!browsers.includes(pid)) this.#memory.delete(pid);
    const unknown = browsers.filter((pid) => !this.#memory.has(pid));
    const known = browsers.filter((pid) => this.#memory.has(pid));
    const turn = Array.from(
      { length: Math.min(BATCH, known.length) },
      (_, index) => known[(this.#next + index) % known.length] as number,
    );
    this.#next += BATCH;
    for (const pid of [...unknown, ...turn].slice(0, BATCH)) {
      this.#memory.set(pid, await pssOf(pidsUnder(table, [pid])));
    }
  }

  /** What is not measured yet counts as the mean of what is. */
  #total(browsers: readonly number[]): number {
    const sum = [...this.#memory.values()].reduce((total, bytes) => total + bytes, 0);
    return this.#memory.size === 0 ? 0 : (sum / this.#memory.size) * browsers.length;
  }
}

function megabytes(bytes: number): number {
  return Math.round((bytes / 1024 / 1024) * 10) / 10;
}
