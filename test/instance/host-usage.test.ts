import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { HostUsageMeter } from '../../instance/host-usage.ts';
import { eventually } from '../helpers/eventually.ts';

describe('what an instance uses of its host', () => {
  const children: ChildProcess[] = [];
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
  });
  const pretend = async (program: string) => {
    const child = spawn(process.execPath, ['-e', `console.log('up'); ${program}`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.push(child);
    await once(child.stdout, 'data');
    return child.pid as number;
  };
  const REST = 'setInterval(() => {}, 1e6)';

  it('counts the memory of every browser, measured or not yet, and forgets those that ended', async () => {
    const pids = await Promise.all(Array.from({ length: 12 }, () => pretend(REST)));
    let running = pids;
    const meter = new HostUsageMeter(() => running);
    expect(meter.last).toEqual({ rss_mb: 0, browsers_pss_mb: 0, cpu: 0 });
    await meter.measure();
    const guessed = meter.last.browsers_pss_mb;
    expect(meter.last.rss_mb).toBeGreaterThan(20);
    await meter.measure();
    const measured = meter.last.browsers_pss_mb;
    expect(measured).toBeGreaterThan(12);
    expect(Math.abs(guessed - measured) / measured).toBeLessThan(0.5);
    running = pids.slice(0, 3);
    await meter.measure();
    expect(meter.last.browsers_pss_mb).toBeLessThan(measured / 2);
    running = [];
    await meter.measure();
    expect(meter.last.browsers_pss_mb).toBe(0);
  });

  it('counts the processor time of the processes below a browser', async () => {
    const busy =
      "require('node:child_process').spawn(process.execPath, ['-e', 'for (;;) {}'], { stdio: 'ignore' })";
    const pid = await pretend(
      `const child = ${busy}; process.on('exit', () => child.kill('SIGKILL')); process.on('SIGTERM', () => process.exit()); ${REST}`,
    );
    const meter = new HostUsageMeter(() => [pid]);
    await meter.measure();
    await eventually(async () => {
      await meter.measure();
      return meter.last.cpu > 0.2;
    });
    process.kill(pid, 'SIGTERM');
    await once(children[0] as ChildProcess, 'exit');
  });
});
