import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LeaseHolder } from '../../../fleet/coordination.ts';
import { eventually } from '../../helpers/eventually.ts';
import { leaseHolder } from '../../helpers/fleet-values.ts';
import { startFleet, type TestFleet } from '../../helpers/router.ts';

/** Holds leases in place of supervisors. */
class Leases {
  readonly #fleet: TestFleet;
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(fleet: TestFleet) {
    this.#fleet = fleet;
  }

  async hold(instance: string): Promise<LeaseHolder> {
    const holder = leaseHolder(instance, `${instance}-1`);
    await this.#fleet.coordination.acquire(holder, 10_000, []);
    const renew = () => void this.#fleet.coordination.renew(instance, holder.incarnation, 10_000);
    this.#timers.set(instance, setInterval(renew, 2000));
    return holder;
  }

  letGo(): void {
    for (const timer of this.#timers.values()) clearInterval(timer);
  }
}

describe('two routers of one fleet', () => {
  let fleet: TestFleet;
  let leases: Leases;

  beforeAll(async () => {
    fleet = await startFleet();
    leases = new Leases(fleet);
    await fleet.addRouter();
    for (const id of ['instance-1', 'instance-2']) {
      await leases.hold(id);
      await fleet.addInstance(id);
    }
  });

  afterAll(async () => {
    leases.letGo();
    await fleet.close();
  });

  it('have one leader, which both name', async () => {
    const leaderOf = async (url: string) => (await fleet.ask('GET', '/api/fleet', { url })).json.leader;
    const second = (await fleet.addRouter()).server.url;
    await eventually(async () => (await leaderOf(fleet.url)) !== null && (await leaderOf(second)) !== null);
    expect(await leaderOf(second)).toBe(await leaderOf(fleet.url));
  });

  it('judge the instances, and count what they do', async () => {
    const healthy = async () => {
      const { instances } = fleet.router.services.operations.status();
      return instances.filter(({ verdict }) => verdict === 'healthy').length === 2;
    };
    await eventually(healthy);
    const { text } = await fleet.ask('GET', '/metrics');
    expect(text).toMatch(/^wharf_lease_age_seconds\{wharf_instance="instance-1"\} \d/m);
    expect(text).toMatch(/^wharf_instance_verdict\{wharf_instance="instance-2",verdict="healthy"\} 1$/m);
    for (const name of [
      'wharf_leader',
      'wharf_frozen',
      'wharf_waiting_workspaces',
      'wharf_quarantined_workspaces',
      'wharf_takeovers_total',
      'wharf_takeovers_under_way',
      'wharf_moves_under_way',
      'wharf_alarms\\{kind="mass_failure"\\}',
      'wharf_api_keys\\{scope="admin"\\}',
    ])
      expect(text).toMatch(new RegExp(`^${name} \\d`, 'm'));
    expect(text).toContain('wharf_takeover_ready_seconds_bucket');
  });

  it('let no new session go to an instance that is drained', async () => {
    await fleet.router.services.operations.drain('instance-1');
    const made = await fleet.ask('POST', '/api/whatsapp/sessions', {
      body: { workspace_id: 0, session_id: 'main' },
    });
    expect(made).toMatchObject({ status: 201, json: { instance: 'instance-2' } });
    await fleet.router.services.operations.undrain('instance-1');
  });

  it('do not start where they would divide by different counts, and say with whom', async () => {
    const error = await fleet.addRouter({ instanceCount: 3 }).catch((fault: unknown) => fault);
    expect(error).toMatchObject({
      code: 'config_invalid',
      message: expect.stringMatching(/router router-.* has WHATSAPP_INSTANCE_COUNT 2, this one 3/),
    });
  });
});
