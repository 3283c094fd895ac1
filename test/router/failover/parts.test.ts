import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { Pools } from '../../../common/http/pools.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { FileSettings } from '../../../router/failover/file-settings.ts';
import { HttpOrders } from '../../../router/failover/http-orders.ts';
import { HttpProber } from '../../../router/failover/http-prober.ts';
import { routerFaults } from '../../../router/failover/start-checks.ts';
import { TableFacts } from '../../../router/failover/table-facts.ts';
import { Instances } from '../../../router/registry/instances.ts';
import { Table } from '../../../router/registry/table.ts';
import { fakeSession } from '../../helpers/fake-instance.ts';
import { leaseHolder, routerNote } from '../../helpers/fleet-values.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** An HTTP server that answers as told, and notes what it was asked. */
async function serve(answer: (path: string) => { status: number; body: object } | 'never') {
  const asked: { path: string; token: unknown; body: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    asked.push({ path: request.url ?? '', token: request.headers['x-wharf-token'], body });
    const given = answer(request.url ?? '');
    if (given === 'never') return;
    response.writeHead(given.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(given.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

describe('the settings of a fleet', () => {
  it('are the same for all who read them, and are taken back one by one', async () => {
    const paths = new SessionPaths(await temporaryDirectory());
    const [one, other] = [new FileSettings(paths), new FileSettings(paths)];
    await one.reread();
    expect(one.current()).toEqual({ draining: new Set(), quarantined: new Set(), unfrozen: false });
    await one.setDraining('instance-1', true);
    await other.setDraining('instance-2', true);
    await other.setQuarantined('7', true);
    await one.setUnfrozen(true);
    await other.reread();
    expect(other.current()).toEqual({
      draining: new Set(['instance-1', 'instance-2']),
      quarantined: new Set(['7']),
      unfrozen: true,
    });
    await other.setDraining('instance-1', false);
    await other.setDraining('instance-1', false);
    await one.setUnfrozen(false);
    expect(one.current()).toEqual({
      draining: new Set(['instance-2']),
      quarantined: new Set(['7']),
      unfrozen: false,
    });
  });

  it('name no file outside their directory', async () => {
    const settings = new FileSettings(new SessionPaths(await temporaryDirectory()));
    await expect(settings.setDraining('../../x', true)).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(settings.setQuarantined('../x', true)).rejects.toMatchObject({ code: 'invalid_request' });
    expect(settings.current()).toMatchObject({ draining: new Set(), quarantined: new Set() });
  });

  it('pass over what nobody could have set', async () => {
    const paths = new SessionPaths(await temporaryDirectory());
    await mkdir(join(paths.settings(), 'draining'), { recursive: true });
    await writeFile(join(paths.settings(), 'draining', '.instance-1.17.tmp'), '');
    const settings = new FileSettings(paths);
    await settings.reread();
    expect(settings.current().draining).toEqual(new Set());
  });
});

describe('a probe', () => {
  const health = {
    status: 'healthy',
    instance: 'instance-1',
    storage: { ok: false },
    ownership: { workspaces: 0 },
  };

  it('tells what the instance says of itself', async () => {
    const { url } = await serve(() => ({ status: 200, body: health }));
    const prober = new HttpProber();
    closing.push(() => prober.close());
    expect(await prober.probe(url, 'instance-1')).toEqual({ storageOk: false, owned: 0 });
  });

  it('fails where another instance answers, where nobody does, and where it is not of Wharf', async () => {
    const { url } = await serve((path) => ({ status: 200, body: path === '/health' ? health : {} }));
    const prober = new HttpProber();
    closing.push(() => prober.close());
    await expect(prober.probe(url, 'instance-2')).rejects.toThrow('instance-1 answers there');
    await expect(prober.probe('http://127.0.0.1:9', 'instance-1')).rejects.toThrow();
    const odd = await serve(() => ({ status: 200, body: { hello: 1 } }));
    await expect(prober.probe(odd.url, 'instance-1')).rejects.toThrow();
  });

  it('ends by itself where the instance hangs', async () => {
    const { url } = await serve(() => 'never');
    const prober = new HttpProber();
    closing.push(() => prober.close());
    await expect(prober.probe(url, 'instance-1')).rejects.toThrow();
  });
});

describe('orders by HTTP', () => {
  it('carry the internal token, and a refusal is an error', async () => {
    const { url, asked } = await serve((path) => ({ status: path === '/orders' ? 202 : 403, body: {} }));
    const pools = new Pools(16);
    closing.push(() => pools.close());
    const orders = new HttpOrders(pools, 'secret');
    await orders.send(url, [{ workspace: '7', epoch: 3, to: null, move: null }]);
    expect(asked).toEqual([
      {
        path: '/orders',
        token: 'secret',
        body: '{"orders":[{"workspace":"7","epoch":3,"to":null,"move":null}]}',
      },
    ]);
    await expect(orders.restart(url)).rejects.toMatchObject({ code: 'instance_unavailable' });
    await expect(orders.restart('http://127.0.0.1:9')).rejects.toMatchObject({
      code: 'instance_unavailable',
    });
  });
});

describe('a router that starts', () => {
  const me = { router: 'r1', instance_count: 4, shard_strategy: 'workspace_modulo' };
  const fits = { instance_count: 4, shard_strategy: 'workspace_modulo' };

  it.each<[string, ReturnType<typeof routerNote>[], RegExp[]]>([
    ['fits where all agree', [routerNote('r2', fits)], []],
    ['passes over its own note', [routerNote('r1', { instance_count: 9 })], []],
    [
      'refuses another count',
      [routerNote('r2', { ...fits, instance_count: 5 })],
      [/router r2 on host h has WHATSAPP_INSTANCE_COUNT 5, this one 4.*stop the others/],
    ],
    [
      'refuses another strategy',
      [routerNote('r2', { ...fits, shard_strategy: 'workspace_hash' })],
      [/WHATSAPP_SHARD_STRATEGY workspace_hash, this one workspace_modulo/],
    ],
    [
      'refuses another protocol',
      [routerNote('r2', { ...fits, protocol: 2 })],
      [/router r2 on host h speaks protocol 2, this one 1.*one version/],
    ],
  ])('%s', (_, others, texts) => {
    const faults = routerFaults(me, others, [leaseHolder('instance-1', 'a')]);
    expect(faults).toHaveLength(texts.length);
    for (const [index, text] of texts.entries()) expect(faults[index]).toMatch(text);
  });

  it('refuses an instance with another protocol', () => {
    const holder = { ...leaseHolder('instance-1', 'a'), protocol: 7 };
    expect(routerFaults(me, [], [holder])).toMatchObject([
      expect.stringMatching(/instance-1 on host .* speaks protocol 7/),
    ]);
  });
});

describe('what the table says of a fleet', () => {
  const announcement = {
    protocol: 1,
    instance: 'instance-1',
    incarnation: 'a',
    url: 'http://127.0.0.1:3001/',
    host: 'h',
    pid: 1,
    status: 'healthy' as const,
    capacity: 25,
    sessions: 3,
    ready: 1,
    rss_mb: 1,
    browsers_pss_mb: 1,
    cpu: 0,
    chromium: '156.0.1.1',
    started_at: '2026-11-22T00:00:00.000Z',
    announced_at: '2026-11-22T00:00:00.000Z',
  };

  it('remembers an instance that is gone: its address, its capacity, its Chromium', () => {
    const table = new Table();
    const facts = new TableFacts(table, new Instances(table, {}, 10), systemClock, [], 10);
    table.loadInstances([announcement]);
    const alive = {
      id: 'instance-1',
      url: 'http://127.0.0.1:3001',
      capacity: 25,
      sessions: 3,
      accepting: true,
      storageOk: true,
      chromium: '156.0.1.1',
    };
    expect(facts.instances()).toEqual([alive]);
    table.loadInstances([]);
    expect(facts.instances()).toEqual([{ ...alive, sessions: 0, accepting: false, storageOk: null }]);
  });

  it('counts the sessions that take places, and tells which are ready and starting, and what is queued', () => {
    const table = new Table();
    const queued = (workspace: string) => (workspace === '7' ? 3 : 0);
    const facts = new TableFacts(table, new Instances(table, {}, 10), systemClock, [], 10, queued);
    const at = '2026-11-22T01:00:00.000Z';
    table.learnSession(fakeSession('7', 'a', 'instance-1', { status: 'ready', last_activity: at, epoch: 2 }));
    table.learnSession(fakeSession('7', 'b', 'instance-1', { status: 'starting', epoch: 2 }));
    table.learnSession(fakeSession('7', 'c', 'instance-1', { status: 'stopped', epoch: 2 }));
    expect(facts.workspace('7')).toEqual({
      sessions: 2,
      ready: [{ session: 'a', epoch: 2 }],
      queued: 3,
      lastActivity: Date.parse(at),
    });
    expect(facts.workspace('8')).toEqual({ sessions: 0, ready: [], queued: 0, lastActivity: 0 });
    expect(facts.starting()).toEqual(new Map([['instance-1', ['7']]]));
  });
});
