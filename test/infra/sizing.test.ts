import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { billOf, type FleetParts, pricesSchema, sumOf } from '../bench/sizing/cost.ts';
import { fitMemory, gibOf, machinesNeeded, sessionsThatFit, withoutPlace } from '../bench/sizing/memory.ts';
import { EXAMPLES, sizingTables, USE } from '../bench/sizing/tables.ts';

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
const prices = pricesSchema.parse(JSON.parse(await read('infra/terraform/prices.json')));

describe('memory', () => {
  it('is a line through what was measured', () => {
    const line = [1, 5, 25].map((sessions) => ({ sessions, perSession: 200 / sessions + 40 }));
    const { fixed, perSession } = fitMemory(line);
    expect(fixed).toBeCloseTo(200);
    expect(perSession).toBeCloseTo(40);
    expect(() => fitMemory(line.slice(1, 2))).toThrow(/two measurements/);
  });

  it('of a machine is shared by sessions and what else there is', () => {
    expect(gibOf(1000, 1073.741824)).toBeCloseTo(1000);
    expect(sessionsThatFit({ name: 'x', gib: 128 }, 300, 0.75)).toBe(343);
  });

  it('has room for the sessions of a lost machine', () => {
    expect(machinesNeeded(1000, 300, 0)).toBe(5);
    expect(machinesNeeded(900, 300, 0)).toBe(4);
    expect(machinesNeeded(900, 300, 0.05)).toBe(5);
    expect(withoutPlace({ sessions: 3000, machines: 4, perMachine: 750 })).toBe(750);
    expect(withoutPlace({ sessions: 3000, machines: 8, perMachine: 750 })).toBe(0);
  });
});

describe('cost', () => {
  const parts: FleetParts = {
    zones: 3,
    routers: 2,
    backups: 1,
    smallMachine: 'm7i.large',
    instanceDiskGib: 64,
    routerDiskGib: 32,
    backupDiskGib: 64,
    ownershipNodes: 2,
    ownershipNode: 'cache.m7g.large',
    queueNodes: 3,
    queueNode: 'cache.m7g.large',
    secrets: 4,
  };
  const [thousand] = EXAMPLES;
  if (thousand === undefined) throw new Error('There are no examples.');

  it('is the sum of what each part costs', () => {
    const bill = billOf(thousand, parts, USE, prices);
    expect(bill['machines that run sessions']).toBeCloseTo(5 * 730 * 1.0584);
    expect(bill['Redis, two']).toBeCloseTo(5 * 730 * 0.158);
    // 1000 sessions, 60 MB written and read a day, 30.4 days.
    expect(bill['storage: written and read']).toBeCloseTo((730 / 24) * 60 * (0.06 + 0.03));
    expect(sumOf(bill)).toBeCloseTo(Object.values(bill).reduce((sum, each) => sum + each));
  });

  it('is not made up where a price is missing', () => {
    expect(() => billOf(thousand, { ...parts, queueNode: 'cache.none' }, USE, prices)).toThrow(
      /no price of cache.none/,
    );
  });
});

describe('docs/aws.md', () => {
  it('has the tables that npm run sizing prints', async () => {
    const text = await read('docs/aws.md');
    const [, tables] = /<!-- sizing -->\n([\s\S]*?)\n<!-- \/sizing -->/.exec(text) ?? [];
    expect(tables).toBe(sizingTables(prices));
  });
});

describe('the example of infra/terraform', () => {
  it.each(EXAMPLES)('for $sessions sessions are what the tables say', async (example) => {
    const main = await read('infra/terraform/examples/fleet/main.tf');
    expect(main).toContain(`instance_machine_type = "${example.machine.name}"`);
    expect(main).toContain(`sessions_per_instance = ${example.sessionsPerMachine}\n`);
    expect(await read('infra/terraform/examples/fleet/sizes.tf')).toContain(
      `${example.sessions} = { machines = ${example.machines}, queues_node_type = "${example.queueNode}",`,
    );
  });
});
