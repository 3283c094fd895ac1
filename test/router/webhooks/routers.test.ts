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
});
