import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { runProcess } from '../../common/lifecycle.ts';
import { findChromium } from '../../instance/whatsapp/chromium.ts';
import { startRedis } from '../helpers/redis.ts';
import { Phones, phoneNumber } from './support/phones.ts';
import {
  type BenchProcess,
  instancePid,
  startProgram,
  treeCpuSeconds,
  treePssMegabytes,
} from './support/processes.ts';
import { type BenchArguments, benchArguments, publish, rounded } from './support/report.ts';
import { median, quantile } from './support/statistics.ts';

/**
 * What a session costs: memory and CPU at rest, time to a QR, warm start to ready, and the time a restarted instance takes until its 25
 * sessions are ready; beside plain whatsapp-web.js with the library's defaults on full Chromium, in the same run. All processes are counted,
 * Node's included; memory is PSS, which shares out what is shared.
 */
const COUNTS = [1, 5, 15, 25];
const FULL_CHROMIUM = ['/usr/lib/chromium/chromium', '/opt/google/chrome/chrome'];
const TOKEN = 'a-token-of-the-benchmark-and-of-nothing-else';
/** So long everything rests before memory is measured. */
const SETTLE = 8000;
const IDLE_WINDOW = 15_000;

interface Context {
  directory: string;
  emulator: BenchProcess;
  redisUrl: string;
  phones: Phones;
}

await runProcess(async () => {
  const args = benchArguments();
  const directory = await mkdtemp(join(tmpdir(), 'wharf-bench-'));
  await mkdir(join(directory, 'sessions'));
  const redis = await startRedis();
  const emulator = await startProgram('emulator/main.ts', { EMULATOR_PORT: '0', EMULATOR_CONTROL_PORT: '0' });
  try {
    await measure(
      { directory, emulator, redisUrl: redis.url, phones: new Phones(String(emulator.ready['control_url'])) },
      args,
    );
    return 0;
  } finally {
    await emulator.stop();
    await redis.close();
    await rm(directory, { recursive: true, force: true });
  }
});

async function measure(context: Context, args: BenchArguments): Promise<void> {
  const counts = args.quick ? [1, 5] : COUNTS;
  const most = counts.at(-1) ?? 1;
  const rounds = args.quick ? 2 : 5;
  const chromium = await findChromium(null, 'auto');
  const figures: Record<string, number> = {};
  const details: Record<string, unknown> = {};

  let instance = await startInstance(context);
  say(`an instance with up to ${most} sessions`);
  const qr: number[] = [];
  let made = 0;
  for (const count of counts) {
    for (; made < count; made += 1) qr.push(await link(context, instance, made));
    await pause(SETTLE);
    const pss = await treePssMegabytes(instancePid(instance));
    figures[`pss_mb_per_session_${count}`] = rounded(pss / count);
    say(`  ${count} sessions: ${rounded(pss)} MB in all, ${rounded(pss / count)} each`);
  }
  const nodeMegabytes = await treePssMegabytes(instancePid(instance));
  details['instance_tree_mb'] = rounded(nodeMegabytes);
  figures['idle_cpu_percent_per_session'] = rounded((await idleCpu(instancePid(instance))) / most, 3);
  figures['qr_ms_p50'] = Math.round(median(qr));
  figures['qr_ms_max'] = Math.round(Math.max(...qr));

  say('warm starts of one session among the others');
  const warm: number[] = [];
  for (let round = 0; round < rounds * 2; round += 1) warm.push(await warmStart(instance, round % most));
  figures['warm_ready_ms_p50'] = Math.round(median(warm));
  figures['warm_ready_ms_p95'] = Math.round(quantile(warm, 0.95));

  say('restarts of the instance');
  const restores: number[] = [];
  const killed: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await instance.stop();
    const clean = performance.now();
    instance = await startInstance(context);
    await allReady(instance, most);
    restores.push((performance.now() - clean) / 1000);
    instance.child.kill('SIGKILL');
    process.kill(instancePid(instance), 'SIGKILL');
    const dirty = performance.now();
    instance = await startInstance(context);
    await allReady(instance, most);
    killed.push((performance.now() - dirty) / 1000);
    say(
      `  ${most} sessions ready ${rounded(restores.at(-1) ?? 0, 2)} s after a clean stop, ${rounded(killed.at(-1) ?? 0, 2)} s after kill -9`,
    );
  }
  figures[`restore_${most}_sessions_s`] = rounded(median(restores), 2);
  figures[`restore_${most}_sessions_after_kill_s`] = rounded(median(killed), 2);
  details['restores_s'] = restores;
  details['restores_after_kill_s'] = killed;
  await instance.stop();

  const full = FULL_CHROMIUM.find((path) => existsSync(path));
  if (full === undefined) {
    say(
      `skipped: the library's defaults, since there is no full Chromium at ${FULL_CHROMIUM.join(' or ')} (apt-get install chromium)`,
    );
  } else {
    const plain = await plainLibrary(context, full, counts);
    for (const [count, pss] of plain) figures[`library_defaults_pss_mb_per_session_${count}`] = pss;
    figures[`pss_ratio_to_library_defaults_${most}`] = rounded(
      (figures[`pss_mb_per_session_${most}`] ?? 0) / (plain.get(most) ?? 0),
      3,
    );
  }
  await publish(
    {
      name: 'session',
      title: 'What a session costs (emulated page)',
      runs: rounds,
      versions: { chromium: chromium.version, 'whatsapp-web.js': '1.34.7' },
      figures,
      rows: Object.entries(figures),
      details: { ...details, sandbox: chromium.sandbox, qr_ms: qr, warm_ms: warm },
    },
    args,
  );
}

function startInstance({ directory, emulator, redisUrl }: Context): Promise<BenchProcess> {
  return startProgram('instance/supervisor/main.ts', {
    INSTANCE_ID: 'instance-1',
    PORT: '0',
    WHATSAPP_SESSION_PATH: join(directory, 'sessions'),
    REDIS_URL: redisUrl,
    WHATSAPP_WEB_RESOLVE: `127.0.0.1:${emulator.ready['https_port']}`,
    WHATSAPP_WEB_SPKI: String(emulator.ready['spki']),
    WHARF_INTERNAL_TOKEN: TOKEN,
  });
}

async function call(
  instance: BenchProcess,
  method: string,
  path: string,
  body?: unknown,
): Promise<Record<string, unknown>> {
  const answer = await fetch(`${instance.ready['url']}${path}`, {
    method,
    headers: {
      'x-wharf-token': TOKEN,
      'x-wharf-adopt': 'first',
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Record<string, unknown>;
}

function pathOf(index: number): string {
  return `/workspaces/${index}/sessions/bench`;
}

/** Makes and links a session; answers the milliseconds from the request to its QR. */
async function link({ phones }: Context, instance: BenchProcess, index: number): Promise<number> {
  const asked = performance.now();
  await call(instance, 'PUT', pathOf(index), {});
  const { qr } = await call(instance, 'GET', `${pathOf(index)}/qr?wait=60`);
  const shown = performance.now() - asked;
  await phones.scan(String(qr), phoneNumber(index));
  await ready(instance, index);
  return shown;
}

async function ready(instance: BenchProcess, index: number): Promise<void> {
  for (;;) {
    const { status } = await call(instance, 'GET', pathOf(index));
    if (status === 'ready') return;
    if (status === 'logged_out' || status === 'failed' || status === 'qr') await pause(20);
    await pause(10);
  }
}

async function warmStart(instance: BenchProcess, index: number): Promise<number> {
  await call(instance, 'POST', `${pathOf(index)}/stop`);
  const asked = performance.now();
  await call(instance, 'POST', `${pathOf(index)}/start`);
  await ready(instance, index);
  return performance.now() - asked;
}

async function allReady(instance: BenchProcess, count: number): Promise<void> {
  for (;;) {
    const answer = await fetch(`${instance.ready['url']}/health`);
    const { sessions } = (await answer.json()) as { sessions: { ready: number } };
    if (sessions.ready >= count) return;
    await pause(25);
  }
}

/** Percent of one core, over a window in which nothing is asked for. */
async function idleCpu(pid: number): Promise<number> {
  const before = await treeCpuSeconds(pid);
  const started = performance.now();
  await pause(IDLE_WINDOW);
  return (((await treeCpuSeconds(pid)) - before) / ((performance.now() - started) / 1000)) * 100;
}

/** Memory per session, by count, of plain whatsapp-web.js on full Chromium. */
async function plainLibrary(
  { emulator }: Context,
  chromium: string,
  counts: number[],
): Promise<Map<number, number>> {
  say("plain whatsapp-web.js with the library's defaults on full Chromium");
  const plain = await startProgram('test/bench/plain-library.ts', {
    CHROMIUM: chromium,
    RESOLVE: `127.0.0.1:${emulator.ready['https_port']}`,
    SPKI: String(emulator.ready['spki']),
    CONTROL_URL: String(emulator.ready['control_url']),
    WHARF_EXIT_WITH_PARENT: '0',
  });
  const answers = createInterface(plain.child.stdout as NodeJS.ReadableStream)[Symbol.asyncIterator]();
  const found = new Map<number, number>();
  for (const count of counts) {
    plain.child.stdin?.write(`${count}\n`);
    await answers.next();
    await pause(SETTLE);
    const pss = await treePssMegabytes(plain.pid);
    found.set(count, rounded(pss / count));
    say(`  ${count} sessions: ${rounded(pss)} MB in all, ${rounded(pss / count)} each`);
  }
  plain.child.stdin?.end();
  await plain.stop();
  return found;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
