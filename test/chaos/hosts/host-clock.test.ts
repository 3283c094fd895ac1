import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findChromium } from '../../helpers/chromium.ts';
import { eventually } from '../../helpers/eventually.ts';
import { describeHosts } from './describe-hosts.ts';
import { HostClock } from './host-clock.ts';
import type { HostProcess } from './host-process.ts';
import { World } from './world.ts';

const HOUR = 3_600_000;

/** Prints both its clocks a moment, and those of a child that it starts. */
const PRINT = `
const print = (name) => setInterval(() => console.log(JSON.stringify({ name, wall: Date.now(), monotonic: performance.now() })), 20);
print(process.argv[1]);
if (process.argv[2]) require('child_process').spawn(process.execPath, ['-e', process.argv[2], 'child'], { stdio: ['ignore', 'inherit', 'inherit'] });
`;

interface Reading {
  name: string;
  wall: number;
  monotonic: number;
}

await describeHosts('the clock of a process on a host', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.make(['one']);
  });
  afterAll(() => world.close());

  it('steps an hour ahead and back while the process runs, for its children too, and only the wall clock', async () => {
    const host = world.host('one');
    const clock = await HostClock.make(host);
    const printer = await host.start('printer', process.execPath, ['-e', PRINT, 'parent', PRINT], clock.env);
    for (const name of ['parent', 'child']) {
      for (const hours of [0, 1, -1, 0]) {
        await clock.set((hours * HOUR) / 1000);
        // Within minutes of where it should be: how long this takes is no matter.
        await eventually(() => Math.abs(offset(printer, name) - hours * HOUR) < HOUR / 10);
      }
      expect(steps(printer, name)).toEqual([1, -2, 1]);
    }
    await printer.killTree();
  });

  it('is that of a browser too, which starts as usual', async () => {
    const host = world.host('one');
    const clock = await HostClock.make(host);
    await clock.set((-1000 * HOUR) / 1000);
    const page = 'data:text/html,<script>document.write(JSON.stringify({wall:Date.now()}))</script>';
    const args = [
      '--no-sandbox',
      '--disable-gpu',
      `--user-data-dir=${join(host.directory, 'profile')}`,
      '--dump-dom',
    ];
    const browser = await host.start('browser', findChromium(), [...args, page], clock.env);
    const line = await browser.line((text) => text.includes('"wall":'));
    const wall = Number(/"wall":(\d+)\}<\/body>/.exec(line)?.[1]);
    expect(Math.round((wall - Date.now()) / HOUR)).toBe(-1000);
    await browser.ended;
  });
});

function readings(printer: HostProcess, name: string): Reading[] {
  return printer.lines.map((line) => JSON.parse(line) as Reading).filter((reading) => reading.name === name);
}

/** How far the last reading is ahead of this machine's clock, milliseconds. */
function offset(printer: HostProcess, name: string): number {
  const last = readings(printer, name).at(-1);
  return last === undefined ? Number.NaN : last.wall - Date.now();
}

/** By how many hours the wall clock went otherwise than the monotonic one, each time it did. */
function steps(printer: HostProcess, name: string): number[] {
  const all = readings(printer, name);
  return all.slice(1).flatMap((reading, index) => {
    const before = all[index] as Reading;
    const hours = Math.round((reading.wall - before.wall - (reading.monotonic - before.monotonic)) / HOUR);
    return hours === 0 ? [] : [hours];
  });
}
