import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseFrame } from '../../../emulator/server/frames.ts';
import { testEmulator } from './helpers.ts';

const PHONE = '491700000001';

test('any text is either a frame or described as wrong, and never throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.anything().map((value) => JSON.stringify(value) ?? ''),
      ),
      (text) => {
        const parsed = parseFrame(text);
        if ('fault' in parsed) expect(parsed.fault.length).toBeGreaterThan(0);
      },
    ),
    { numRuns: 500 },
  );
});

test('frames with one field damaged are refused', () => {
  const frame = {
    type: 'send',
    seq: 1,
    peerSeq: 1,
    message: { id: 'ABC', chat: '491700000002@c.us', t: 1, content: { type: 'chat', body: 'x' } },
  };
  expect(parseFrame(JSON.stringify(frame))).toEqual({ frame });
  const damaged: object[] = [
    { ...frame, seq: -1 },
    { ...frame, seq: 2 ** 60 },
    { ...frame, more: true },
    { ...frame, message: { ...frame.message, id: '../x' } },
    { ...frame, message: { ...frame.message, chat: 'nobody' } },
    { ...frame, message: { ...frame.message, content: { type: 'chat' } } },
    { ...frame, message: { ...frame.message, content: { type: 'nonsense' } } },
  ];
  for (const one of damaged) expect(parseFrame(JSON.stringify(one))).toHaveProperty('fault');
});

test('a wrong frame ends the connection with what was wrong, and others stay', async () => {
  const emulator = await testEmulator();
  const good = await emulator.linked(PHONE);
  const wrong: [string, string][] = [
    ['not json', 'not JSON'],
    ['{"type":"paired"}', 'must be register or login'],
    ['{"type":"ack","seq":"1","result":"stored"}', 'seq'],
  ];
  for (const [text, reason] of wrong) {
    const bad = emulator.device();
    await bad.connect();
    await bad.until('waiting');
    bad.writeText(text === '{"type":"paired"}' ? '{"type":"history_stored"}' : text);
    await bad.until('closed');
    const refused = bad.frames.find((frame) => frame.type === 'refused');
    expect(refused?.reason).toContain(reason === 'must be register or login' ? 'needs a login' : reason);
  }
  expect(good.state).toBe('live');
  expect(await emulator.logged('frame_refused', 3)).toHaveLength(3);
});

test('a second register or login on one connection is refused', async () => {
  const emulator = await testEmulator();
  const device = await emulator.linked(PHONE);
  const { credentials } = device.profile;
  if (credentials === undefined) throw new Error('not linked');
  device.write({ type: 'login', pageId: 'x', credentials, deliverySeq: 0, sendSeq: 0 });
  await device.until('closed');
  expect(device.frames.at(-1)).toMatchObject({ type: 'refused', reason: 'login must be the first frame' });
});
