import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '../helpers/eventually.ts';
import type { WatchedFleet } from '../infra/dashboards/watched-fleet.ts';

/** Sessions that are linked: workspace, session, phone. */
const LINKED: readonly [workspace: string, session: string, phone: string][] = [
  ['3', 'sales', '4917011100001'],
  ['4', 'support', '4917011100002'],
  ['5', 'berlin', '4917011100003'],
  ['7', 'orders', '4917011100004'],
  ['12', 'hamburg', '4917011100005'],
  ['acme', 'newsletter', '4917011100006'],
];

/** How a receiver of webhooks answers, by path. */
const ANSWERS: Readonly<Record<string, number>> = { '/well': 200, '/failing': 500, '/gone': 410 };

/** A receiver of webhooks that is well, one that fails and one that is gone. */
export async function startReceivers(): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume();
    response.statusCode = ANSWERS[request.url ?? ''] ?? 404;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** Fills a fleet with sessions of all kinds, messages both ways, webhooks that work and that do not, and a backup. */
export async function bringToLife(fleet: WatchedFleet, receivers: Server): Promise<void> {
  const create = async (workspace: string, session: string) => {
    const body = { workspace_id: workspace, session_id: session, account_id: `crm-${session}` };
    const { status, text } = await fleet.ask('POST', '/api/whatsapp/sessions', body);
    if (status > 201) throw new Error(`session ${session} could not be made: ${text}`);
  };
  for (const [workspace, session, phone] of LINKED) {
    await create(workspace, session);
    await fleet.wharf('phone', 'scan', session, '--phone', phone);
  }
  await create('9', 'new-shop');
  await create('14', 'old-shop');
  await statusIs(fleet, '14', 'old-shop', 'qr');
  await fleet.ask('POST', '/api/whatsapp/sessions/old-shop/stop?workspace_id=14');
  for (const [workspace, session] of LINKED) await statusIs(fleet, workspace, session, 'ready');
  const { port } = receivers.address() as AddressInfo;
  for (const [workspace, path] of [
    ['3', '/well'],
    ['7', '/failing'],
    ['4', '/gone'],
  ])
    await fleet.ask('PUT', `/api/whatsapp/workspaces/${workspace}/webhook`, {
      url: `http://127.0.0.1:${port}${path}`,
      events: ['*'],
    });
  await fleet.ask('POST', '/api/whatsapp/sessions/old-shop/messages?workspace_id=14', {
    to: '491701234567',
    text: 'This waits until the session runs.',
  });
  await talk(fleet);
  await fleet.wharf('backup', 'run');
}

/** A message out and one in, on each session. */
export async function talk(fleet: WatchedFleet): Promise<void> {
  for (const [workspace, session, phone] of LINKED) {
    await fleet.ask('POST', `/api/whatsapp/sessions/${session}/messages?workspace_id=${workspace}`, {
      to: '491701234567',
      text: 'Your order is on its way.',
    });
    await fleet.deliver(phone, '491709999999', 'Thank you!');
  }
}

async function statusIs(fleet: WatchedFleet, workspace: string, session: string, status: string) {
  await eventually(async () => {
    const { text } = await fleet.ask('GET', `/api/whatsapp/sessions/${session}?workspace_id=${workspace}`);
    return text.includes(`"status":"${status}"`);
  }, 120_000);
}
