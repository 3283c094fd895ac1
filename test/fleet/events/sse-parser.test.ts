import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SseParser } from '../../../fleet/events/sse-parser.ts';

const STREAM = [
  'retry: 2000\nid: 5\n\n',
  ': a sign of life\nid: 6\n\n',
  'id: 7\nevent: message.received\ndata: {"a":1}\n\n',
  'data: one\ndata:two\ndata\n\n',
  'event: nothing comes of it\n\n',
  'id: 9\r\nevent: gap\r\ndata: x\r\n\r\n',
  'id: never ended\ndata: y\n',
].join('');

const WHOLE = [
  { type: 'message.received', data: '{"a":1}', id: '7' },
  { type: 'message', data: 'one\ntwo\n', id: '7' },
  { type: 'gap', data: 'x', id: '9' },
];

describe('the reader of server-sent events', () => {
  it('gives events with their types and ids, and remembers the last id that was complete', () => {
    const parser = new SseParser('3');
    expect(parser.push(STREAM)).toEqual(WHOLE);
    expect(parser.lastEventId).toBe('9');
    expect(parser.retry).toBe(2000);
  });

  it('remembers a position that came without an event', () => {
    const parser = new SseParser('3');
    expect(parser.push(STREAM.slice(0, STREAM.indexOf('id: 7')))).toEqual([]);
    expect(parser.lastEventId).toBe('6');
  });

  it('gives the same however the stream is cut into pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(STREAM.length)), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), STREAM.length];
        const parser = new SseParser();
        const read = at.flatMap((cut, index) => parser.push(STREAM.slice(cut, at[index + 1] ?? cut)));
        expect(read).toEqual(WHOLE);
      }),
    );
  });
});
