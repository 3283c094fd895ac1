import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileClaims } from '../../fleet/file-claims.ts';
import { SessionPaths } from '../../fleet/session-paths.ts';
import { InstanceMetrics } from '../../instance/metrics.ts';
import { OutboxStatus } from '../../instance/outbox/outbox-status.ts';
import { SessionManager } from '../../instance/session/session-manager.ts';
import type { Standing } from '../../instance/supervisor-link.ts';
import { Granting } from '../helpers/granting.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';
import { FakeClients } from './helpers/fake-clients.ts';
import { memoryParts } from './helpers/session-parts.ts';

async function someMetrics(standing: () => Standing | undefined): Promise<InstanceMetrics> {
  const { parts } = memoryParts(new FakeClients());
  const me = { instance: 'instance-1', incarnation: 'a', host: 'here' };
  const root = await temporaryDirectory();
  const granting = new Granting(new FileClaims(new SessionPaths(join(root, 'sessions'))), me);
  const manager = new SessionManager({
    ownership: granting.ownership,
    capacity: 3,
    host: me.host,
    closeWithin: 5000,
    log: parts.log,
    onChange: () => {},
    onRemove: () => {},
    onLeave: () => {},
    parts,
  });
  return new InstanceMetrics({
    manager: () => manager,
    standing,
    owned: () => 0,
    outbox: new OutboxStatus(),
    counters: parts.counters,
    losses: parts.losses,
    usage: () => ({ rss_mb: 100, browsers_pss_mb: 50, cpu: 0.5 }),
    browsers: () => 1,
    now: () => performance.now(),
  });
}

describe('the metrics of an instance', () => {
  it('show no count of the supervisor before it has told one: from 0, all restarts of its life would count as of now', async () => {
    let standing: Standing | undefined;
    const metrics = await someMetrics(() => standing);
    const restarts = async () => (await metrics.text()).match(/^wharf_instance_restarts_total\S* .*/m)?.[0];
    expect(await restarts()).toBeUndefined();
    standing = {
      redis_ok: true,
      storage_ok: true,
      lease_age: 10,
      restarts: 4,
      claims: 0,
      lapses: 2,
      revocations: 0,
      hand_overs: 0,
    };
    expect(await restarts()).toBe('wharf_instance_restarts_total 4');
    expect(await restarts()).toBe('wharf_instance_restarts_total 4');
    expect(await metrics.text()).toMatch(/^wharf_instance_lapses_total 2$/m);
  });
});
