import { readFile } from 'node:fs/promises';
import { treePss } from './whatsapp/process-tree.ts';

/** What an instance and its browsers use of the host. */
export interface HostUsage {
  rss_mb: number;
  browsers_pss_mb: number;
  /** Cores, over the time since the last measurement. */
  cpu: number;
}

/** Clock ticks a second that `/proc` counts in; 100 on every Linux that Node runs on. */
const TICKS = 100;

/** Measures at intervals what the instance and its browsers use. Reading the memory of hundreds of processes takes a while, so a measurement is kept. */
export class HostUsageMeter {
  readonly #browsers: () => number[];
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

  async measure(): Promise<void> {
    const browsers = this.#browsers();
    const [pss, ticks] = await Promise.all([treePss(browsers), this.#ticks(browsers)]);
    const time = performance.now();
    const cpu = this.#before
      ? Math.max(0, ((ticks - this.#before.ticks) / TICKS / (time - this.#before.time)) * 1000)
      : 0;
    this.#before = { ticks, time };
    this.#last = {
      rss_mb: megabytes(process.memoryUsage.rss()),
      browsers_pss_mb: megabytes(pss),
      cpu: Math.round(cpu * 100) / 100,
    };
  }

  async #ticks(browsers: number[]): Promise<number> {
    const all = await Promise.all([process.pid, ...browsers].map(ticksOf));
    return all.reduce((sum, ticks) => sum + ticks, 0);
  }
}

/** Processor time of a process and of its children that have ended, in ticks: fields 14 to 17 of `/proc/PID/stat`. */
async function ticksOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15);
  return fields.reduce((sum, field) => sum + Number(field), 0) || 0;
}

function megabytes(bytes: number): number {
  return Math.round((bytes / 1024 / 1024) * 10) / 10;
}
