import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import type { FakeInstance } from '../../helpers/fake-instance.ts';
import { startMemoryFleet } from '../../helpers/memory-fleet.ts';
import type { MemoryQueues } from '../../helpers/memory-queues.ts';
import type { TestFleet } from '../../helpers/router.ts';

let fleet: TestFleet;
let queues: MemoryQueues;
let instance: FakeInstance;

beforeAll(async () => {
  const sessions = [
    [2, 'main'],
    [2, 'second'],
    [2, 'gone'],
    [3, 'twin'],
    [4, 'twin'],
  ] as const;
  ({ fleet, instance, queues } = await startMemoryFleet(sessions, { holdTime: 0 }));
  await instance.setStatus('2', 'gone', 'logged_out');
  await eventually(() => fleet.router.services.table.session('2', 'gone')?.status === 'logged_out');
});
afterAll(() => fleet.close());
beforeEach(() => {
  queues.away = false;
  queues.depth = Number.POSITIVE_INFINITY;
  queues.messages.clear();
  queues.accepts = 0;
});

const bulk = (messages: unknown, key?: string) =>
  fleet.ask('POST', '/api/whatsapp/messages/bulk', {
    body: { messages },
    ...(key === undefined ? {} : { key }),
  });
const text = (session_id: string, words: string) => ({ session_id, to: '491701234567', text: words });

describe('many messages', () => {
  it('are accepted in one step, in the order of the array within each session', async () => {
    const asked = Array.from({ length: 1000 }, (_, n) => text(n % 3 === 0 ? 'second' : 'main', `text ${n}`));
    const { status, json } = await bulk(asked);
    expect([status, json.accepted.length, json.rejected]).toEqual([202, 1000, []]);
    expect(json.accepted.map((each: { index: number }) => each.index)).toEqual(asked.map((_, n) => n));
    expect(queues.accepts).toBe(1);
    for (const session of ['main', 'second']) {
      const wanted = asked.filter((each) => each.session_id === session).map((each) => each.text);
      expect(queues.of(session).map(({ message }) => 'text' in message && message.text)).toEqual(wanted);
    }
    const [first] = json.accepted;
    expect(queues.messages.get(first.message_id)?.message.message).toMatchObject({ text: 'text 0' });
  });

  it('are refused one by one, each with why', async () => {
    const before = instance.asked.length;
    const { status, json } = await bulk([
      text('main', 'good'),
      { session_id: 'main', to: 'bob', text: 'x' },
      text('nobodys', 'x'),
      text('gone', 'x'),
      text('twin', 'x'),
      { ...text('twin', 'good too'), workspace_id: 4, priority: 'high' },
      { session_id: 'main', to: '491701234567', media: { data: 'AAAA', mimetype: 'image/png' } },
      'nonsense',
      { to: '491701234567', text: 'of no session' },
      { ...text('main', 'x'), idempotency_key: 'ä' },
      { ...text('main', 'x'), send_at: '2999-01-01T00:00:00Z' },
      text('nobodys', 'again'),
    ]);
    expect(status).toBe(202);
    expect(json.accepted.map((each: { index: number }) => each.index)).toEqual([0, 5]);
    const codes = json.rejected.map((each: { index: number; code: string }) => [each.index, each.code]);
    expect(codes).toEqual([
      [1, 'invalid_request'],
      [2, 'session_not_found'],
      [3, 'session_not_ready'],
      [4, 'ambiguous_session'],
      [6, 'invalid_request'],
      [7, 'invalid_request'],
      [8, 'invalid_request'],
      [9, 'invalid_request'],
      [10, 'invalid_request'],
      [11, 'session_not_found'],
    ]);
    const details = json.rejected.map((each: { detail: string }) => each.detail).join('\n');
    expect(details).toMatch(/^to: must be 7 to 15 digits/);
    expect(details).toContain('POST /api/whatsapp/media');
    expect(details).toContain('idempotency_key: must be 1 to 255');
    expect(instance.asked.length - before).toBeLessThanOrEqual(1);
  });

  it('fill a queue up to its depth', async () => {
    queues.depth = 2;
    const { json } = await bulk([text('main', '1'), text('main', '2'), text('main', '3')]);
    expect(json.accepted).toHaveLength(2);
    expect(json.rejected).toEqual([
      { index: 2, code: 'queue_full', detail: expect.stringContaining('main'), retry_after: 7 },
    ]);
  });

  it('have keys each: what was handed in before is not there a second time', async () => {
    const keyed = (n: number, words = `text ${n}`) => ({ ...text('main', words), idempotency_key: `k${n}` });
    const first = await bulk([keyed(1), keyed(2)]);
    const again = await bulk([keyed(1), keyed(3), keyed(2, 'other'), keyed(3), keyed(3, 'other')]);
    expect(again.json.accepted).toEqual([
      { index: 0, message_id: first.json.accepted[0].message_id, replayed: true },
      { index: 1, message_id: expect.any(String) },
      { index: 3, message_id: again.json.accepted[1].message_id, replayed: true },
    ]);
    expect(again.json.rejected.map((each: { code: string }) => each.code)).toEqual([
      'idempotency_conflict',
      'idempotency_conflict',
    ]);
    expect(queues.messages.size).toBe(3);
    const alone = await fleet.ask('POST', '/api/whatsapp/sessions/main/messages', {
      body: { to: '491701234567', text: 'text 1' },
      headers: { 'Idempotency-Key': 'k1' },
    });
    expect(alone.json.message_id).toBe(first.json.accepted[0].message_id);
  });

  it("are of the workspace's sessions alone under its key", async () => {
    const { key } = (await fleet.ask('POST', '/api/fleet/keys', { body: { workspace_id: 3 } })).json;
    const { json } = await bulk(
      [text('twin', 'own'), { ...text('twin', 'x'), workspace_id: 4 }, text('main', 'x')],
      key,
    );
    expect(json.accepted.map((each: { index: number }) => each.index)).toEqual([0]);
    expect(queues.messages.get(json.accepted[0].message_id)?.message.workspace_id).toBe('3');
    expect(json.rejected.map((each: { code: string }) => each.code)).toEqual([
      'session_not_found',
      'session_not_found',
    ]);
  });

  it.each([
    ['none', []],
    ['1001', Array.from({ length: 1001 }, () => text('main', 'x'))],
    ['no array', {}],
  ])('are refused whole where there are %s', async (_name, messages) => {
    const answer = await bulk(messages);
    expect([answer.status, answer.json.faults[0].path]).toEqual([400, 'messages']);
    expect(queues.messages.size).toBe(0);
  });

  it('are refused whole with 413 beyond the limit, and taken below it', async () => {
    const texts = (length: number) => Array.from({ length: 1000 }, () => text('main', 'x'.repeat(length)));
    expect((await bulk(texts(9000))).status).toBe(413);
    expect((await bulk(texts(8000))).json.accepted).toHaveLength(1000);
  });

  it('are refused whole with 503 while the queues are away', async () => {
    queues.away = true;
    const answer = await bulk([text('main', 'x')]);
    expect([answer.status, answer.json.code]).toEqual([503, 'queue_unavailable']);
  });
});
