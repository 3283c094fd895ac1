import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../common/clock.ts';
import { INTERNAL_TOKEN_HEADER, instanceSessionPath } from '../../fleet/instance-api.ts';
import { startRedis } from '../helpers/redis.ts';
import { constantLoad, fullLoad, type Target } from './support/load.ts';
import { startNginx } from './support/nginx.ts';
import { instancePid, startProgram, treeCpuSeconds } from './support/processes.ts';
import { benchArguments, publish, rounded } from './support/report.ts';
import { median, quantile } from './support/statistics.ts';

/**
 * What the router costs: the status of a session through it, from the instance directly, and through nginx before the same instance.
 * Rounds alternate between the three, so that what else the machine does falls on all of them.
 */

const ADMIN_KEY = 'key-of-the-router-benchmark-0123456789';
const TOKEN = 'token-of-the-router-benchmark-0123456789';
const STEADY_RATE = 500;

/** One way to the instance. */
interface Way {
  name: 'direct' | 'nginx' | 'router';
  target: Target;
  /** The process between, if there is one. */
  proxy: number | undefined;
}

/** What one round of full load found. */
interface Round {
  rate: number;
  p99: number;
  /** Requests per second of CPU that the proxy's processes used; then with the instance's added. */
  perProxyCpu: number;
  perPathCpu: number;
}

await main();

async function main(): Promise<void> {
  const args = benchArguments();
  await needed('wrk', ['-v']);
  await needed('nginx', ['-v']);
  const directory = await mkdtemp(join(tmpdir(), 'wharf-bench-router-'));
  const open: { stop(): Promise<void> }[] = [];
  try {
    await mkdir(join(directory, 'sessions'), { mode: 0o700 });
    const redis = await startRedis();
    open.push({ stop: () => redis.close() });
    const env = {
      REDIS_URL: redis.url,
      PORT: '0',
      BIND_ADDRESS: '127.0.0.1',
      WHATSAPP_INSTANCE_COUNT: '1',
      WHATSAPP_SESSION_PATH: join(directory, 'sessions'),
      WHARF_INTERNAL_TOKEN: TOKEN,
    };
    // No page behind it: the session is made and stopped, and its status asked for.
    const instance = await startProgram('instance/supervisor/main.ts', {
      ...env,
      INSTANCE_ID: 'instance-1',
      WHATSAPP_WEB_RESOLVE: '127.0.0.1:1',
    });
    open.push(instance);
    const router = await startProgram('router/main.ts', { ...env, WHARF_ADMIN_KEY: ADMIN_KEY });
    open.push(router);
    const instanceUrl = String(instance.ready['url']);
    const routerUrl = String(router.ready['url']);
    const nginx = await startNginx(directory, instanceUrl, { [INTERNAL_TOKEN_HEADER]: TOKEN });
    open.push(nginx);

    const key = { Authorization: `Bearer ${ADMIN_KEY}` };
    await makeSession(routerUrl, key);
    const path = instanceSessionPath('1', 'main');
    const ways: Way[] = [
      {
        name: 'direct',
        target: { url: instanceUrl + path, headers: { [INTERNAL_TOKEN_HEADER]: TOKEN } },
        proxy: undefined,
      },
      { name: 'nginx', target: { url: nginx.url + path, headers: {} }, proxy: nginx.pid },
      {
        name: 'router',
        target: { url: `${routerUrl}/api/whatsapp/sessions/main`, headers: key },
        proxy: router.pid,
      },
    ];
    const found = await measure(ways, instancePid(instance), args.quick);
    await publish(report(found, nginx.version, args.quick), args);
  } finally {
    for (const each of open.reverse()) await each.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function measure(ways: Way[], pid: number, quick: boolean) {
  const rounds: Record<Way['name'], Round[]> = { direct: [], nginx: [], router: [] };
  const steady: Record<Way['name'], number[][]> = { direct: [], nginx: [], router: [] };
  const seconds = quick ? 2 : 8;
  // Compilers and caches warm up first, for all alike.
  for (const way of ways) await fullLoad(way.target, quick ? 1 : 4);
  for (let round = 0; round < (quick ? 1 : 5); round++) {
    for (const way of ways) rounds[way.name].push(await loadRound(way, pid, seconds));
    for (const way of ways)
      steady[way.name].push(await constantLoad(way.target, STEADY_RATE, quick ? 2 : 10));
  }
  return { rounds, steady };
}

async function loadRound(way: Way, pid: number, seconds: number): Promise<Round> {
  const used = async () => ({
    proxy: way.proxy === undefined ? 0 : await treeCpuSeconds(way.proxy),
    instance: await treeCpuSeconds(pid),
  });
  const before = await used();
  const load = await fullLoad(way.target, seconds);
  const after = await used();
  const proxy = after.proxy - before.proxy;
  const path = proxy + after.instance - before.instance;
  const answered = load.requestsPerSecond * load.seconds;
  return {
    rate: load.requestsPerSecond,
    p99: load.p99Milliseconds,
    perProxyCpu: answered / proxy,
    perPathCpu: answered / path,
  };
}

function report(
  { rounds, steady }: Awaited<ReturnType<typeof measure>>,
  nginxVersion: string,
  quick: boolean,
) {
  const middle = (name: Way['name'], figure: keyof Round) =>
    median(rounds[name].map((round) => round[figure]));
  const steadyMedian = (name: Way['name'], share: number) =>
    median(steady[name].map((times) => quantile(times, share)));
  // Of each round by itself: what the machine did in it fell on both.
  const ratios = rounds.router.map(
    (round, index) => round.perProxyCpu / (rounds.nginx[index]?.perProxyCpu ?? Number.NaN),
  );
  const added = steady.router.map(
    (times, index) => quantile(times, 0.99) - quantile(steady.direct[index] ?? [], 0.99),
  );
  const figures = {
    rate_router: rounded(middle('router', 'rate')),
    rate_direct: rounded(middle('direct', 'rate')),
    rate_nginx: rounded(middle('nginx', 'rate')),
    rate_per_cpu_ratio_to_nginx: rounded(median(ratios), 3),
    rate_per_cpu_ratio_to_nginx_whole_path: rounded(
      middle('router', 'perPathCpu') / middle('nginx', 'perPathCpu'),
      3,
    ),
    p99_added_ms_at_500: rounded(median(added), 3),
  };
  const rows: [string, string | number][] = [];
  for (const name of ['direct', 'nginx', 'router'] as const) {
    rows.push([`${name}: requests/s, wrk, 32 connections`, rounded(middle(name, 'rate'))]);
    rows.push([`${name}: p99 then, ms`, rounded(middle(name, 'p99'))]);
    if (name !== 'direct')
      rows.push([
        `${name}: requests per CPU second of its own processes`,
        Math.round(middle(name, 'perProxyCpu')),
      ]);
    rows.push([`${name}: requests per CPU second, instance's added`, Math.round(middle(name, 'perPathCpu'))]);
    rows.push([
      `${name}: p50 / p99 at ${STEADY_RATE}/s, ms`,
      `${rounded(steadyMedian(name, 0.5), 2)} / ${rounded(steadyMedian(name, 0.99), 2)}`,
    ]);
  }
  rows.push(['router to nginx, requests per CPU second of their own', figures.rate_per_cpu_ratio_to_nginx]);
  rows.push(['router to nginx, whole path', figures.rate_per_cpu_ratio_to_nginx_whole_path]);
  rows.push([`p99 the router adds at ${STEADY_RATE}/s, ms`, figures.p99_added_ms_at_500]);
  return {
    name: 'router',
    title:
      'The status of one session: from its instance, through nginx, through the router (one process each)',
    runs: quick ? 1 : 5,
    versions: { nginx: nginxVersion },
    figures,
    rows,
    details: {
      rounds,
      steady: Object.fromEntries(
        Object.entries(steady).map(([name, all]) => [
          name,
          all.map((times) => ({ p50: quantile(times, 0.5), p99: quantile(times, 0.99) })),
        ]),
      ),
    },
  };
}

/** Makes a session and stops it, so that nothing but its status goes on. */
async function makeSession(routerUrl: string, key: Record<string, string>): Promise<void> {
  const base = `${routerUrl}/api/whatsapp/sessions`;
  const post = async (url: string, body?: unknown) => {
    const headers = { ...key, 'Content-Type': 'application/json' };
    const answer = await fetch(url, {
      method: 'POST',
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  };
  await post(base, { workspace_id: 1, session_id: 'main' });
  await post(`${base}/main/stop`);
  for (;;) {
    const answer = await fetch(`${base}/main`, { headers: key });
    if ((await answer.text()).includes('"status":"stopped"')) return;
    await systemClock.sleep(100);
  }
}

async function needed(program: string, args: string[]): Promise<void> {
  const result = await promisify(execFile)(program, args).catch((error: { code?: unknown }) => error);
  if (!('code' in result) || result.code !== 'ENOENT') return;
  throw new Error(
    `${program} is not on this machine, and this benchmark needs it. Debian: apt-get install --no-install-recommends ${program}`,
  );
}
