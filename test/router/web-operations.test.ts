import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { button, type Dashboard, inDialog, link, panel } from '../helpers/dashboard.ts';
import { eventually } from '../helpers/eventually.ts';
import { KeptInstance } from '../helpers/kept-instance.ts';
import { useWebScene } from '../helpers/web-scene.ts';

/** Milliseconds; moves are made slow enough to be seen. */
const PATIENCE = 120_000;

vi.setConfig({ testTimeout: 2 * PATIENCE });

const WORKSPACES = Array.from({ length: 12 }, (_, index) => String(2 + 2 * index));

const scene = useWebScene();
let instances: KeptInstance[];
let dashboard: Dashboard;

beforeAll(async () => {
  const { fleet } = scene;
  const { coordination } = fleet;
  const storage = new Map(WORKSPACES.map((workspace) => [workspace, ['main']]));
  // Slow enough for a page that looks every two seconds to see moves under way.
  const parts = { fleet, coordination, storage, closeTime: 2500 };
  instances = await Promise.all(
    ['instance-1', 'instance-2'].map((id) => new KeptInstance({ id, ...parts }).start()),
  );
  for (const workspace of WORKSPACES) await instances[0]?.claim(workspace);
  await scene.judged(2);
  dashboard = await scene.open();
  await dashboard.signIn();
});
afterAll(async () => {
  await Promise.all((instances ?? []).map((instance) => instance.stop()));
});

describe('the fleet on the page', () => {
  it('moves a workspace from its instance, and brings it home again', async () => {
    await dashboard.press(link('instance-1'));
    await dashboard.sees(panel('workspaces'), '12 workspaces');
    await dashboard.press('[aria-label="Move workspace 8"]');
    await dashboard.sees('dialog[open]', '1 session is closed cleanly on instance-1');
    await dashboard.press(inDialog('Move'));
    await dashboard.sees('.toast-place', 'Workspace 8 is on its way to instance-2');
    // While it is on the way, it cannot be sent home.
    await eventually(async () => {
      const { moves } = (await scene.fleet.ask('GET', '/api/fleet/moves')).json;
      return moves.length === 1 && moves[0].state === 'done';
    }, PATIENCE);
    await dashboard.press(link('All instances'));
    await dashboard.press(button('Rebalance 1 workspace'));
    await dashboard.sees('dialog[open]', 'Bring 1 workspace home?');
    await dashboard.press(inDialog('Rebalance'));
    await dashboard.sees('.toast-place', '1 workspace on the way home.');
    await eventually(() => instances[0]?.workspaces.includes('8'), PATIENCE);
    await dashboard.page.waitForSelector(button('All at home'));
  });

  it('is drained after a yes, with its moves and its story shown, and the drain taken back', async () => {
    await dashboard.press('[aria-label="Drain instance-1"]');
    await dashboard.sees('dialog[open]', 'Drain instance-1?');
    expect(await dashboard.page.evaluate('document.activeElement.innerText')).toBe('Cancel');
    await dashboard.press(inDialog('Drain'));
    await dashboard.sees('.toast-place', 'instance-1 is being drained');
    await dashboard.sees(panel('moves'), 'of 12 moved');
    await dashboard.sees(panel('moves'), 'Closing');

    await dashboard.sees(panel('instances'), 'Draining');
    await eventually(() => instances[0]?.workspaces.length === 0, PATIENCE);
    await eventually(async () => (await dashboard.page.$(panel('moves'))) === null, PATIENCE);
    await dashboard.sees(panel('story'), 'moved away from instance-1');

    await dashboard.press('[aria-label="Take back the drain of instance-1"]');
    await dashboard.press(inDialog('Take back'));
    await dashboard.page.waitForSelector('[aria-label="Drain instance-1"]');
  });

  it('shows in the words of the router what is refused', async () => {
    await scene.fleet.ask('POST', '/api/fleet/instances/instance-2/drain');
    await dashboard.page.waitForSelector('[aria-label="Take back the drain of instance-2"]');
    await dashboard.press('[aria-label="Drain instance-1"]');
    await dashboard.press(inDialog('Drain'));
    await dashboard.sees('dialog[open] [role=alert]', 'last instance');
    await dashboard.press(inDialog('Cancel'));
    await scene.fleet.ask('DELETE', '/api/fleet/instances/instance-2/drain');
  });

  it('has an instance restarted after a yes that says what it costs', async () => {
    const lives = instances[1]?.lives ?? 0;
    await dashboard.press('[aria-label="Restart instance-2"]');
    await dashboard.sees('dialog[open]', 'all of its sessions are away');
    await dashboard.press(inDialog('Restart'));
    await dashboard.sees('.toast-place', 'instance-2 is starting anew');
    await eventually(() => (instances[1]?.lives ?? 0) > lives, PATIENCE);
  });
});
