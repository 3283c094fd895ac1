import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { startFleet } from '../../helpers/router.ts';
import { testEvent } from './desk.ts';
import { startReceiver } from './receiver.ts';

const WORKSPACES = 40;

// Shards change hands at renewals, every two seconds.
describe('two routers', { timeout: 120_000 }, () => {
  it('share the workspaces, and send nothing twice while one comes and goes', async () => {
    const fleet = await startFleet();
    onTestFinished(() => fleet.close());
    const receiver = await startReceiver();
    for (let workspace = 0; workspace < WORKSPACES; workspace += 1) {
      const told = await fleet.ask('PUT', `/api/whatsapp/workspaces/${workspace}/webhook`, {
        body: { url: receiver.url },
      });
      expect(told.status).toBe(201);
    }
    let sent = 0;
    const ids: string[] = [];
    const burst = async () => {
      sent += 1;
      const events = Array.from({ length: WORKSPACES }, (_, workspace) =>
        testEvent(String(workspace), 'main', String(sent), Date.now()),
      );
      await fleet.router.services.events.append(events);
      ids.push(...events.map(({ id }) => id));
    };
    const shardsOf = async (url: string) =>
      Number(/^wharf_webhook_shards (\d+)$/m.exec((await fleet.ask('GET', '/metrics', { url })).text)?.[1]);
    await burst();
    await eventually(() => receiver.taken.length === ids.length);
    const other = await fleet.addRouter();
    await eventually(async () => {
      await burst();
      return (await shardsOf(other.server.url)) > 10;
    });
    await eventually(() => receiver.taken.length === ids.length);
    const count = async (url: string) =>
      Number(
        /^wharf_webhook_deliveries_total\{result="taken"\} (\d+)$/m.exec(
          (await fleet.ask('GET', '/metrics', { url })).text,
        )?.[1],
      );
    await burst();
    await eventually(() => receiver.taken.length === ids.length);
    expect(await count(other.server.url)).toBeGreaterThan(0);
    const closing = other.close();
    await burst();
    await closing;
    await eventually(async () => (await shardsOf(fleet.url)) === 64);
    await burst();
    await eventually(() => receiver.taken.length === ids.length);
    expect([...receiver.ids].sort()).toEqual([...ids].sort());
    expect(receiver.all).toHaveLength(ids.length);
  });

  it('see a setting that the other was asked for within seconds', async () => {
    const fleet = await startFleet();
    onTestFinished(() => fleet.close());
    const { url } = (await fleet.addRouter()).server;
    const path = '/api/whatsapp/workspaces/7/webhook';
    const seen = async () => (await fleet.ask('GET', path, { url })).json;
    await fleet.ask('PUT', path, { body: { url: 'http://10.0.0.1/a' } });
    await eventually(async () => (await seen()).url === 'http://10.0.0.1/a', 5000);
    await fleet.ask('PUT', path, { url, body: { url: 'http://10.0.0.1/b' } });
    await eventually(async () => (await fleet.ask('GET', path)).json.url === 'http://10.0.0.1/b', 5000);
    await fleet.ask('DELETE', path);
    await eventually(async () => (await seen()).code === 'webhook_not_found', 5000);
  });

  it('asked for the first webhook of a workspace at one moment, show one secret', async () => {
    const fleet = await startFleet();
    onTestFinished(() => fleet.close());
    const { url } = (await fleet.addRouter()).server;
    for (let workspace = 0; workspace < 20; workspace += 1) {
      const path = `/api/whatsapp/workspaces/${workspace}/webhook`;
      const body = { url: 'http://10.0.0.1/' };
      const told = await Promise.all([
        fleet.ask('PUT', path, { body }),
        fleet.ask('PUT', path, { url, body }),
      ]);
      expect(told.map(({ status }) => status).sort()).toEqual([200, 201]);
      const secret: string = told.find(({ status }) => status === 201)?.json.secret;
      const again = told.find(({ status }) => status === 200)?.json;
      expect(again.secret).toBeUndefined();
      expect(again.secrets).toEqual([{ ends_with: secret.slice(-4), expires_at: null }]);
    }
  });

  it('send nothing of before when a webhook is removed at the one that does not deliver', async () => {
    const fleet = await startFleet();
    onTestFinished(() => fleet.close());
    const receiver = await startReceiver();
    const old = testEvent('7', 'main', 'old', Date.now());
    await fleet.router.services.events.append([old]);
    const path = '/api/whatsapp/workspaces/7/webhook';
    await fleet.ask('PUT', path, { body: { url: receiver.url } });
    // This one has all shards; the other does not deliver yet, and knows of no webhook but by its file.
    const shards = /^wharf_webhook_shards 64$/m;
    await eventually(async () => shards.test((await fleet.ask('GET', '/metrics')).text));
    const other = await fleet.addRouter();
    await fleet.ask('DELETE', path, { url: other.server.url });
    // Events ring until all have heard: none is for the webhook any more, nor what was there before it.
    await eventually(async () => {
      await fleet.router.services.events.append([testEvent('7', 'main', String(Math.random()), Date.now())]);
      return (await fleet.ask('GET', path)).status === 404;
    });
    expect(receiver.all).toEqual([]);
  });
});
