import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { eventually } from '../helpers/eventually.ts';
import { aPhone, OutboxFleet } from '../helpers/outbox-fleet.ts';

const detailSchema = z.object({
  status: z.string(),
  memory_mb: z.number().nullable(),
  keep: z.boolean(),
  inactive: z.null(),
});

let fleet: OutboxFleet;
beforeAll(async () => {
  fleet = await OutboxFleet.start();
});
afterAll(() => fleet.close());

it('an instance shows what each session takes, keeps one that is to be kept, also after its restart, and tells Prometheus', async () => {
  const one = fleet.instance(1, { WHATSAPP_INACTIVE_WARN_DAYS: '30' });
  await fleet.linked(one, '7', aPhone());
  const { url } = await one.ready();
  const detail = async (at = url) => detailSchema.parse(await (await fleet.call(at, 'GET', '7', '')).json());
  const { memory_mb } = await eventually(async () => {
    const now = await detail();
    return now.memory_mb !== null && now;
  }, 60_000);
  expect(memory_mb).toBeGreaterThan(10);
  expect((await fleet.call(url, 'POST', '7', '/keep')).status).toBe(202);
  expect(await detail()).toMatchObject({ status: 'ready', keep: true });

  const metrics = await (await fetch(new URL('/metrics', url))).text();
  const shown = metrics.split('\n').filter((line) => line.startsWith('wharf_instance_session_memory_bytes'));
  expect(shown).toContainEqual(expect.stringMatching(/share="1"[^}]*\} \d{8,}$/));
  expect(metrics).toMatch(/^wharf_instance_soft_restarts_held(\{.*\})? 0$/m);

  process.kill((await one.ready()).pid, 'SIGKILL');
  const again = await one.ready(2);
  await fleet.ready(one, '7');
  expect(await detail(again.url)).toMatchObject({ keep: true });
});
