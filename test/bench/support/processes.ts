import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readEnv } from '../../../common/env.ts';
import { pidsUnder, processTable, pssOf } from '../../../instance/whatsapp/process-tree.ts';

/** A process of a benchmark. */
export interface BenchProcess {
  pid: number;
  child: ChildProcess;
  /** The one line of JSON it printed when it was ready. */
  ready: Record<string, unknown>;
  /** Ends it with SIGTERM and waits. */
  stop(): Promise<void>;
}

/** Where the built programs are: above this file when it was built itself, in `dist/` when a test runs it as it is. */
const BUILT = new URL(import.meta.url.endsWith('.js') ? '../../../' : '../../../dist/', import.meta.url);

/** Starts a built program of this repository (`router/main.ts`) and waits for its line of JSON. What it logs goes to `log`, or nowhere. */
export async function startProgram(source: string, env: Record<string, string>): Promise<BenchProcess> {
  const path = fileURLToPath(new URL(source.replace(/\.ts$/, '.js'), BUILT));
  const child = spawn(process.execPath, [path], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...readEnv(), WHARF_EXIT_WITH_PARENT: '1', LOG_LEVEL: 'warn', ...env },
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4000);
  });
  const line = once(createInterface(child.stdout), 'line');
  const early = once(child, 'exit').then(([code]) => {
    throw new Error(`${source} ended with ${code} before it was ready:\n${errors}`);
  });
  const [text] = await Promise.race([line, early]);
  early.catch(() => {});
  return {
    pid: child.pid ?? 0,
    child,
    ready: JSON.parse(String(text)),
    stop: () => stopChild(child),
  };
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

/** The process of an instance whose supervisor was started; its browsers are below it. */
export function instancePid(supervisor: BenchProcess): number {
  return Number(supervisor.ready['pid']);
}

/** User and system time of a process and all below it so far, seconds, at the kernel's 100 ticks a second. */
export async function treeCpuSeconds(root: number): Promise<number> {
  const table = await processTable();
  return pidsUnder(table, [root]).reduce((sum, pid) => sum + (table.get(pid)?.ticks ?? 0), 0) / 100;
}

/** Memory of a process and all below it, megabytes of PSS. */
export async function treePssMegabytes(root: number): Promise<number> {
  return (await pssOf(pidsUnder(await processTable(), [root]))) / 2 ** 20;
}
