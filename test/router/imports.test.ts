import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FakeInstance } from '../helpers/fake-instance.ts';
import { startFleet, type TestFleet } from '../helpers/router.ts';

const IMPORT = 'r-20261122T093000Z-1a2b3c';

let fleet: TestFleet;
let instances: FakeInstance[];

beforeAll(async () => {
  fleet = await startFleet();
  instances = [
    await fleet.addInstance('instance-1', { capacity: 50 }),
    await fleet.addInstance('instance-2', { capacity: 50 }),
  ];
});
afterAll(() => fleet.close());
afterEach(() => {
  for (const instance of instances) instance.intercept = undefined;
});

/** Answers imports as an owner does, or with a refusal. */
function answerWith(status: number, body: (instance: string) => object): void {
  for (const instance of instances)
    instance.intercept = async (request, response) => {
      if (!request.url?.endsWith('/restore')) return false;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body(instance.id)));
      return true;
    };
}

const detail = (instance: string, workspace: number) => ({
  session: {
    session_id: 'shop',
    workspace_id: workspace,
    account_id: null,
    status: 'starting',
    instance,
    epoch: 1,
    created_at: '2026-11-22T09:30:00.000Z',
    phone_number: null,
    connected_at: null,
    last_activity: null,
    last_error: null,
    reconnects: 0,
  },
  trash: null,
});

const body = (workspace: number) => ({ workspace_id: workspace, session_id: 'shop', import: IMPORT });

describe('POST /api/imports', () => {
  it("asks the home of a workspace that nobody owns, which may claim it, with the import's id alone", async () => {
    answerWith(200, (instance) => detail(instance, 9));
    const { status, json } = await fleet.ask('POST', '/api/imports', { body: body(9) });
    expect(status).toBe(200);
    expect(json).toMatchObject({ session: { session_id: 'shop', instance: 'instance-2' }, trash: null });
    expect(json.session).not.toHaveProperty('phone_number');
    const asked = instances[1]?.asked.find(({ path }) => path.endsWith('/restore'));
    expect(asked).toMatchObject({ method: 'POST', path: '/workspaces/9/sessions/shop/restore', adopt: true });
    expect(JSON.parse(asked?.body ?? '')).toEqual({ restore: IMPORT });
  });

  it('asks the owner of a workspace that has one', async () => {
    await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 12, session_id: 'other' } });
    answerWith(200, (instance) => detail(instance, 12));
    const { json } = await fleet.ask('POST', '/api/imports', { body: body(12) });
    expect(json.session.instance).toBe('instance-1');
    expect(instances[0]?.asked.at(-1)).toMatchObject({
      path: '/workspaces/12/sessions/shop/restore',
      adopt: false,
    });
  });

  it('passes on why the owner refuses it', async () => {
    answerWith(409, () => ({
      type: 'about:blank',
      title: 'The session exists with other settings',
      status: 409,
      detail: 'Session shop of workspace 14 is there already.',
      code: 'session_exists',
      request_id: 'x',
    }));
    const { status, json } = await fleet.ask('POST', '/api/imports', { body: body(14) });
    expect(status).toBe(409);
    expect(json).toMatchObject({ code: 'session_exists', detail: expect.stringContaining('there already') });
  });

  it('is for admins, and takes only what names an import', async () => {
    const made = await fleet.ask('POST', '/api/fleet/keys', { body: { workspace_id: 9 } });
    expect(made.json.key).toEqual(expect.any(String));
    const own = await fleet.ask('POST', '/api/imports', { body: body(9), key: made.json.key });
    expect(own.status).toBe(403);
    const wrong = await fleet.ask('POST', '/api/imports', { body: { ...body(9), import: '../../x' } });
    expect(wrong.status).toBe(400);
  });
});
