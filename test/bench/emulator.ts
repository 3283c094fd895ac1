import { readFileSync } from 'node:fs';
import { runProcess } from '../../common/lifecycle.ts';
import { DeviceClient } from '../../emulator/device-client.ts';
import { Phones, phoneNumber } from './support/phones.ts';
import { startProgram, treeCpuSeconds } from './support/processes.ts';
import { benchArguments, publish, rounded } from './support/report.ts';
import { median, quantile } from './support/statistics.ts';

/**
 * How many devices one emulator holds: its memory with 1000 linked devices, and messages through it, from `send` to stored at the receiver
 * and acknowledged. The emulator is a process of its own; the devices (no browsers) are in this one.
 */

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
  const args = benchArguments();
  const runs = args.quick ? 1 : 3;
  const devices = 1000;
  const perDevice = args.quick ? 5 : 20;
  const results: Run[] = [];
  for (let number = 1; number <= runs && !signal.aborted; number += 1) {
    process.stderr.write(`run ${number} of ${runs} ...\n`);
    results.push(await measure(devices, perDevice));
  }
  const acks = results.flatMap((run) => run.ackMilliseconds);
  const figures = {
    rss_mb_at_1000: median(results.map((run) => run.rss.at(-1)?.mb ?? Number.NaN)),
    messages_per_s: median(results.map((run) => run.messagesPerSecond)),
    links_per_s: median(results.map((run) => run.linksPerSecond)),
    ack_ms_p50: median(acks),
    ack_ms_p99: quantile(acks, 0.99),
    emulator_cpu_s_per_1000_messages: median(results.map((run) => run.cpuSecondsPerThousand)),
  };
  const memory = (results[0]?.rss ?? []).map((point): [string, number] => [
    `memory with ${point.devices} devices (first run), MB`,
    point.mb,
  ]);
  await publish(
    {
      name: 'emulator',
      title: 'Emulator with 1000 linked devices',
      runs,
      versions: {},
      figures,
      rows: [
        ...memory,
        ...Object.entries(figures).map(([name, value]): [string, number] => [name, rounded(value, 2)]),
      ],
      details: {
        devices,
        perDevice,
        results: results.map(({ ackMilliseconds, ...rest }) => ({ ...rest, acks: ackMilliseconds.length })),
      },
    },
    args,
  );
  return 0;
});

async function measure(count: number, perDevice: number): Promise<Run> {
  const emulator = await startProgram('emulator/main.ts', {
    EMULATOR_PORT: '0',
    EMULATOR_CONTROL_PORT: '0',
    EMULATOR_DATA: '',
  });
  try {
    const { pid } = emulator;
    const httpsPort = Number(emulator.ready['https_port']);
    const controlUrl = String(emulator.ready['control_url']);
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
          link(httpsPort, controlUrl, phoneNumber(devices.length + index), onMessage),
        ),
      );
      devices.push(...batch);
      if ([100, 500, 1000].includes(devices.length)) rss.push({ devices: devices.length, mb: rssOf(pid) });
    }
    const linksPerSecond = count / ((performance.now() - linking) / 1000);
    const done = new Promise<void>((resolve) => {
      received.whole = resolve;
    });
    const cpuBefore = await treeCpuSeconds(pid);
    const started = performance.now();
    const acks: number[] = [];
    await Promise.all(
      devices.map((device, index) => talk(device, phoneNumber((index + 1) % count), perDevice, acks)),
    );
    await done;
    const seconds = (performance.now() - started) / 1000;
    const cpu = (await treeCpuSeconds(pid)) - cpuBefore;
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
    await emulator.stop();
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
  await new Phones(controlUrl).scan(String(device.qr()), number);
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

/** Resident memory of a process, MB (Linux: /proc). */
function rssOf(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kilobytes) / 102.4) / 10;
}
