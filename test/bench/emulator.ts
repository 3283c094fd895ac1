import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { readEnv } from '../../common/env.ts';
import { runProcess } from '../../common/lifecycle.ts';
import { DeviceClient } from '../../emulator/device-client.ts';

/**
 * How many devices one emulator holds: its memory with 1000 linked devices, and messages through it, from `send` to stored at the receiver
 * and acknowledged. The emulator is a process of its own; the devices (no browsers) are in this one.
 */
const USAGE = 'npm run bench:emulator [-- --json FILE --quick]';

/** Devices linked at the same time: as many as keep the emulator busy without filling the socket backlog. */
const LINKED_AT_ONCE = 20;

interface Run {
  rss: { devices: number; mb: number }[];
  linksPerSecond: number;
  messagesPerSecond: number;
  ackMilliseconds: number[];
  messages: number;
  cpuSecondsPerThousand: number;
}

await runProcess(async (signal) => {
  const { values } = parseArgs({
    options: { json: { type: 'string' }, quick: { type: 'boolean', default: false } },
  });
  const runs = values.quick ? 1 : 3;
  const devices = 1000;
  const perDevice = values.quick ? 5 : 20;
  const results: Run[] = [];
  for (let number = 1; number <= runs && !signal.aborted; number += 1) {
    process.stderr.write(`run ${number} of ${runs} ...\n`);
    results.push(await measure(devices, perDevice));
  }
  const figures = {
    rss_mb_at_1000: median(results.map((run) => run.rss.at(-1)?.mb ?? Number.NaN)),
    messages_per_s: median(results.map((run) => run.messagesPerSecond)),
    links_per_s: median(results.map((run) => run.linksPerSecond)),
    ack_ms_p50: quantile(
      results.flatMap((run) => run.ackMilliseconds),
      0.5,
    ),
    ack_ms_p99: quantile(
      results.flatMap((run) => run.ackMilliseconds),
      0.99,
    ),
    emulator_cpu_s_per_1000_messages: median(results.map((run) => run.cpuSecondsPerThousand)),
  };
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory_gb: Math.round(totalmem() / 2 ** 30),
  };
  print(figures, results, machine);
  if (values.json !== undefined) {
    const report = {
      name: 'emulator',
      machine,
      versions: { node: process.version },
      runs,
      figures,
      details: {
        usage: USAGE,
        devices,
        perDevice,
        results: results.map(({ ackMilliseconds, ...rest }) => ({ ...rest, acks: ackMilliseconds.length })),
      },
    };
    await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
  }
  return 0;
});

async function measure(count: number, perDevice: number): Promise<Run> {
  const main = fileURLToPath(new URL('../../emulator/main.js', import.meta.url));
  const child = spawn(process.execPath, [main], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...readEnv(),
      EMULATOR_PORT: '0',
      EMULATOR_CONTROL_PORT: '0',
      EMULATOR_DATA: '',
      LOG_LEVEL: 'warn',
    },
  });
  try {
    const [line] = await once(createInterface(child.stdout), 'line');
    const { https_port: httpsPort, control_url: controlUrl } = JSON.parse(String(line));
    const pid = child.pid ?? 0;
    const rss = [{ devices: 0, mb: rssOf(pid) }];
    const received = { count: 0, whole: () => {} };
    const total = count * perDevice;
    const onMessage = () => {
      received.count += 1;
      if (received.count === total) received.whole();
    };
    const linking = performance.now();
    const devices: DeviceClient[] = [];
    while (devices.length < count) {
      const batch = await Promise.all(
        Array.from({ length: Math.min(LINKED_AT_ONCE, count - devices.length) }, (_, index) =>
          link(httpsPort, controlUrl, phone(devices.length + index), onMessage),
        ),
      );
      devices.push(...batch);
      if ([100, 500, 1000].includes(devices.length)) rss.push({ devices: devices.length, mb: rssOf(pid) });
    }
    const linksPerSecond = count / ((performance.now() - linking) / 1000);
    const done = new Promise<void>((resolve) => {
      received.whole = resolve;
    });
    const cpuBefore = cpuSecondsOf(pid);
    const started = performance.now();
    const acks: number[] = [];
    await Promise.all(
      devices.map((device, index) => talk(device, phone((index + 1) % count), perDevice, acks)),
    );
    await done;
    const seconds = (performance.now() - started) / 1000;
    const cpu = cpuSecondsOf(pid) - cpuBefore;
    await check(controlUrl, total);
    await Promise.all(devices.map((device) => device.disconnect()));
    return {
      rss,
      linksPerSecond,
      messagesPerSecond: total / seconds,
      ackMilliseconds: acks,
      messages: total,
      cpuSecondsPerThousand: (cpu / total) * 1000,
    };
  } finally {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
}

async function link(
  httpsPort: number,
  controlUrl: string,
  number: string,
  onMessage: () => void,
): Promise<DeviceClient> {
  const device = new DeviceClient({ httpsPort, onMessage });
  await device.connect();
  await device.until('waiting');
  const answer = await fetch(`${controlUrl}/scan`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ qr: device.qr(), phone: number }),
  });
  if (!answer.ok) throw new Error(`/scan: ${answer.status} ${await answer.text()}`);
  await device.until('live');
  return device;
}

/** Sends one message after the other, each when the one before is acknowledged by the server. */
async function talk(device: DeviceClient, to: string, count: number, acks: number[]): Promise<void> {
  for (let number = 1; number <= count; number += 1) {
    const before = performance.now();
    const answer = await device.send(`${to}@c.us`, { type: 'chat', body: `message ${number} to ${to}` });
    if (answer.ack !== 1) throw new Error(`a message was refused: ${answer.reason}`);
    acks.push(performance.now() - before);
  }
}

/** The figures are worth nothing if a message was lost or doubled on the way. */
async function check(controlUrl: string, total: number): Promise<void> {
  const answer = await fetch(`${controlUrl}/state`);
  const { totals } = (await answer.json()) as {
    totals: { sent: number; delivered: number; connected: number };
  };
  if (totals.sent !== total || totals.delivered !== total) {
    throw new Error(`${totals.sent} sent and ${totals.delivered} delivered, not ${total}`);
  }
}

function phone(index: number): string {
  return `49170${String(index).padStart(7, '0')}`;
}

/** Resident memory of a process, MB (Linux: /proc). */
function rssOf(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kilobytes) / 102.4) / 10;
}

/** User and system time of a process so far, seconds, at the kernel's usual 100 ticks a second. */
function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function median(values: number[]): number {
  return quantile(values, 0.5);
}

function print(
  figures: Record<string, number>,
  runs: Run[],
  machine: { cpu: string; cores: number; memory_gb: number },
): void {
  process.stdout.write(
    `Emulator with 1000 linked devices; ${machine.cpu}, ${machine.cores} cores, ${machine.memory_gb} GB; ${runs.length} run(s), medians\n`,
  );
  const table = new Table({ head: ['what', 'figure'], style: { head: [], border: [] } });
  for (const point of runs[0]?.rss ?? [])
    table.push([`memory with ${point.devices} devices (first run), MB`, point.mb]);
  for (const [name, value] of Object.entries(figures)) table.push([name, Math.round(value * 100) / 100]);
  process.stdout.write(`${table.toString()}\n`);
}
