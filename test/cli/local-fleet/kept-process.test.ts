import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeptProcess, type ProcessEvent, type ProcessPlan } from '../../../cli/local-fleet/kept-process.ts';
import { processIdentity } from '../../../cli/local-fleet/process-identity.ts';
import { systemClock } from '../../../common/clock.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

interface Ready {
  number: number;
}

/** Says that it is ready with the number it was given, then lives until its standard input ends. */
const GOOD = `
  console.error('log line');
  console.log('not the ready line');
  console.log(JSON.stringify({ number: Number(process.env.NUMBER) }));
  process.stdin.resume().once('end', () => process.exit(0));`;

/** The same, and does not listen to SIGTERM; a child of its own does not either. */
const STUBBORN = `
  const { spawn } = await import('node:child_process');
  process.on('SIGTERM', () => {});
  const child = spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("up")'], { stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout.once('data', () => console.log(JSON.stringify({ number: child.pid })));
  setInterval(() => {}, 1000);`;

describe('a kept process', () => {
  let directory: string;
  let events: ProcessEvent<Ready>[];
  const kept: KeptProcess<Ready>[] = [];
  // The delays are tested by themselves.
  const clock = { ...systemClock, sleep: () => Promise.resolve() };
  beforeEach(async () => {
    directory = await temporaryDirectory();
    events = [];
  });
  afterEach(async () => {
    await Promise.all(kept.splice(0).map((one) => one.stop()));
  });

  const make = (program: string, change: Partial<ProcessPlan<Ready>> = {}) => {
    const plan: ProcessPlan<Ready> = {
      name: 'worker',
      program: process.execPath,
      args: ['--input-type=module', '-e', program],
      env: (last) => ({ PATH: process.env['PATH'], NUMBER: String((last?.number ?? 0) + 1) }),
      ready: (line) => (line.startsWith('{') ? (JSON.parse(line) as Ready) : null),
      logFile: join(directory, 'worker.log'),
      startTime: 20_000,
      stopTime: 20_000,
      ...change,
    };
    const one = new KeptProcess(plan, (event) => events.push(event), clock);
    kept.push(one);
    return one;
  };
  const isGone = async (pid: number) => (await processIdentity(pid)) === null;

  it('is ready with what its first telling line says, and logs all others', async () => {
    expect(await make(GOOD).start()).toEqual({ number: 1 });
    await eventually(async () => {
      const log = await readFile(join(directory, 'worker.log'), 'utf8');
      return log.split('\n').sort().join() === ',log line,not the ready line';
    });
  });

  it('may be ready anew, as a supervisor is with each process it starts, and then goes on with that', async () => {
    const worker = make(`
      console.log(JSON.stringify({ number: Number(process.env.NUMBER) }));
      console.log(JSON.stringify({ number: 10 * Number(process.env.NUMBER) }));
      process.stdin.resume().once('end', () => process.exit(0));`);
    expect(await worker.start()).toEqual({ number: 1 });
    await eventually(() => events.length === 2);
    const first = worker.pid ?? 0;
    process.kill(first, 'SIGKILL');
    await eventually(() => events.length === 5);
    expect(events).toEqual([
      { kind: 'ready', pid: first, ready: { number: 1 } },
      { kind: 'ready', pid: first, ready: { number: 10 } },
      { kind: 'ended', reason: 'was killed by SIGKILL', delay: 500 },
      { kind: 'ready', pid: worker.pid, ready: { number: 11 } },
      { kind: 'ready', pid: worker.pid, ready: { number: 110 } },
    ]);
  });

  it('is started again after a kill -9, with what it was ready with before', async () => {
    const worker = make(GOOD);
    await worker.start();
    const first = worker.pid ?? 0;
    process.kill(first, 'SIGKILL');
    await eventually(() => events.filter((event) => event.kind === 'ready').length === 2);
    expect(events).toEqual([
      { kind: 'ready', pid: first, ready: { number: 1 } },
      { kind: 'ended', reason: 'was killed by SIGKILL', delay: 500 },
      { kind: 'ready', pid: worker.pid, ready: { number: 2 } },
    ]);
  });

  it('fails to start with the reason and the end of its log when it ends before it is ready', async () => {
    const worker = make(`console.error('the disk is full'); process.exitCode = 3;`);
    await expect(worker.start()).rejects.toThrow(
      /worker did not start: it ended with exit code 3\. Its log .*worker\.log ends with:\nthe disk is full/,
    );
    expect(events).toEqual([]);
  });

  it('fails to start when it does not become ready in time, and is not left running', async () => {
    const worker = make(`console.error(process.pid); setInterval(() => {}, 1000);`, { startTime: 1500 });
    await expect(worker.start()).rejects.toThrow('worker did not start: it was not ready after 1.5 s');
    const pid = Number(await readFile(join(directory, 'worker.log'), 'utf8'));
    expect(await isGone(pid)).toBe(true);
  });

  it('fails to start when there is no such program', async () => {
    await expect(make('', { program: '/nonexistent/program' }).start()).rejects.toThrow(
      /worker did not start: it could not be run \(.*ENOENT/,
    );
  });

  it('stops, and is not started again', async () => {
    const worker = make(GOOD);
    await worker.start();
    const pid = worker.pid ?? 0;
    await worker.stop();
    expect(await isGone(pid)).toBe(true);
    expect(worker.pid).toBeUndefined();
    expect(events.map((event) => event.kind)).toEqual(['ready']);
  });

  it('is killed with its whole process group when it does not stop in time', async () => {
    const worker = make(STUBBORN, { stopTime: 100 });
    const { number: child } = await worker.start();
    const pid = worker.pid ?? 0;
    expect(await isGone(child)).toBe(false);
    await worker.stop();
    await eventually(async () => (await isGone(pid)) && (await isGone(child)));
  });

  it('has what it left in its process group killed before it is started again', async () => {
    const worker = make(STUBBORN);
    const { number: child } = await worker.start();
    process.kill(worker.pid ?? 0, 'SIGKILL');
    await eventually(() => isGone(child));
  });
});
