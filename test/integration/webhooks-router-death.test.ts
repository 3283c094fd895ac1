import { expect, it, onTestFinished } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { startFleet } from '../helpers/router.ts';
import { startRouterProcess } from '../helpers/router-process.ts';
import { testEvent } from '../router/webhooks/desk.ts';
import { startReceiver } from '../router/webhooks/receiver.ts';

const WORKSPACES = 30;
const EVENTS = 20;

it('a router killed while it delivers loses nothing: another sends the rest within seconds, in order, and again only what was under way', async () => {
  const fleet = await startFleet();
  onTestFinished(() => fleet.close());
  const victim = await startRouterProcess(fleet);
  let stuck = true;
  /** Workspaces whose event came from the victim and was held until it died. */
  const held = new Set<number>();
  const receiver = await startReceiver(async ({ event }) => {
    if (stuck && event.data.whatsapp_id === '5') {
      held.add(event.workspace_id);
      await eventually(() => !stuck, 60_000);
    }
    return 200;
  });
  for (let workspace = 0; workspace < WORKSPACES; workspace += 1) {
    const path = `/api/whatsapp/workspaces/${workspace}/webhook`;
    expect((await fleet.ask('PUT', path, { body: { url: receiver.url } })).status).toBe(201);
  }
  const shards = /^wharf_webhook_shards (\d+)$/m;
  await eventually(async () => {
    const { text } = await fleet.ask('GET', '/metrics', { url: victim.url });
    return Number(shards.exec(text)?.[1]) > 10;
  }, 60_000);
  const sent = new Map<number, string[]>();
  for (let workspace = 0; workspace < WORKSPACES; workspace += 1) {
    const events = Array.from({ length: EVENTS }, (_, index) =>
      testEvent(String(workspace), 'main', String(index), Date.now()),
    );
    await fleet.router.services.events.append(events);
    sent.set(
      workspace,
      events.map(({ id }) => id),
    );
  }
  await eventually(() => held.size === WORKSPACES, 60_000);
  await victim.kill();
  // Its requests have ended, unanswered; those of the router that lives go on.
  stuck = false;
  const idsOf = (workspace: number) =>
    receiver.all.filter(({ event }) => event.workspace_id === workspace).map(({ id }) => id);
  const isComplete = () =>
    [...sent].every(([workspace, ids]) => new Set(idsOf(workspace)).size === ids.length);
  await eventually(isComplete, 60_000);
  let again = 0;
  for (const [workspace, ids] of sent) {
    const got = idsOf(workspace);
    // What was under way comes twice, one after the other; nothing else does, and nothing is overtaken.
    expect([...new Set(got)]).toEqual(ids);
    again += got.length - ids.length;
    expect(got.filter((id, index) => got.indexOf(id) !== index)).toEqual(
      got.length > ids.length ? [ids[5]] : [],
    );
  }
  expect(again).toBeGreaterThan(0);
});
