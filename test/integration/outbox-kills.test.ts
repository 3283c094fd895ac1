import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { aPhone, OutboxFleet } from '../helpers/outbox-fleet.ts';
import { isAlive, signalOne } from '../helpers/processes.ts';
import { SeededRandom } from '../helpers/random.ts';
import type { SupervisedInstance } from '../helpers/supervised-instance.ts';

const FRIEND = '491711111120';
const MESSAGES = 30;
const KILLS = 4;

/** What is killed, in turn: the instance alone (its browsers die with it), a browser alone, all at the same time. */
describe('messages while their instance is killed with kill -9, again and again', () => {
  let fleet: OutboxFleet;
  let one: SupervisedInstance;
  const phones = new Map([
    ['7', aPhone()],
    ['8', aPhone()],
  ]);
  beforeAll(async () => {
    fleet = await OutboxFleet.start();
    one = fleet.instance();
    for (const [workspace, phone] of phones) await fleet.linked(one, workspace, phone);
  }, 120_000);
  afterAll(() => fleet.close());

  it('are each sent once and in order, or said to be unknown', async () => {
    const seed = Number(process.env['SEED'] ?? 4711);
    console.log(`seed ${seed}`);
    const random = new SeededRandom(seed);
    // Acks that take a while make a kill meet messages in every stage.
    await fleet.whatsapp.post('/config', { ack_delay_ms: 60 });
    const ids = new Map<string, string[]>();
    for (const workspace of phones.keys()) {
      const texts = Array.from({ length: MESSAGES }, (_, index) => `${workspace} ${index}`);
      ids.set(workspace, await fleet.accept(workspace, FRIEND, texts));
    }
    for (let kill = 0; kill < KILLS; kill += 1) {
      const workspace = random.oneOf(['7', '8']);
      const phone = phones.get(workspace) ?? '';
      const before = (await fleet.arrived(phone)).length;
      const wanted = Math.min(MESSAGES, before + random.int(1, 3));
      await eventually(async () => (await fleet.arrived(phone)).length >= wanted, 60_000);
      await new Promise((resolve) => setTimeout(resolve, random.between(0, 80)));
      const victims = kill % 2 === 0 ? [] : (await fleet.browsers()).slice(0, 1);
      if (kill % 3 !== 1) victims.push(await running(one));
      for (const pid of victims) signalOne(pid, 'SIGKILL');
    }
    for (const [workspace, accepted] of ids) {
      const views = await fleet.queues.ended(accepted);
      const arrived = await fleet.arrived(phones.get(workspace) ?? '');
      const bodies = arrived.map(({ body }) => body);
      expect(new Set(bodies).size).toBe(bodies.length);
      const unknown = views.filter(({ status }) => status === 'unknown').length;
      console.log(`workspace ${workspace}: ${arrived.length} arrived, ${unknown} unknown`);
      expect(views.filter(({ status }) => status === 'failed')).toEqual([]);
      for (const [index, view] of views.entries()) {
        const found = arrived.filter(({ body }) => body === `${workspace} ${index}`);
        if (view.status === 'sent') expect(found).toHaveLength(1);
        else expect(found.length).toBeLessThanOrEqual(1);
      }
      const order = bodies.map((body) => Number(body.split(' ')[1]));
      expect(order).toEqual([...order].sort((a, b) => a - b));
    }
  }, 170_000);
});

/** The instance's process that runs: after a kill, the next one. */
async function running(one: SupervisedInstance): Promise<number> {
  return await eventually(async () => {
    const pid = one.readies.at(-1)?.pid;
    return pid !== undefined && (await isAlive(pid)) && pid;
  }, 60_000);
}
