import { describe, expect, it } from 'vitest';
import { matchingRecords, messageQuerySchema } from '../../../emulator/server/control/message-query.ts';

const records = [
  { position: 1, phone: '491700000001', id: 'AAAA', to: 'one' },
  { position: 2, phone: '491700000002', id: 'AAAA', to: 'two' },
  { position: 3, phone: '491700000001', id: 'BBBB', to: 'two' },
];
const anything = () => true;

function positions(asked: Record<string, string>, isMeant: (record: { to: string }) => boolean = anything) {
  return matchingRecords(records, messageQuerySchema.parse(asked), isMeant).map(({ position }) => position);
}

describe('what records of messages are asked for by', () => {
  it.each([
    [{}, [1, 2, 3]],
    [{ phone: '491700000001' }, [1, 3]],
    [{ id: 'AAAA' }, [1, 2]],
    [{ id: 'true_491700000009@c.us_BBBB' }, [3]],
    [{ after: '1' }, [2, 3]],
    [{ phone: '491700000001', id: 'AAAA', after: '1' }, []],
    [{ limit: '1' }, [1, 2, 3]],
  ])('finds of %j the records %j', (asked, found) => {
    expect(positions(asked)).toEqual(found);
  });

  it('finds only what is meant beside', () => {
    expect(positions({}, ({ to }) => to === 'two')).toEqual([2, 3]);
  });

  it('refuses what it does not know, and a phone that is none', () => {
    for (const asked of [{ workspace: '7' }, { phone: 'anna' }, { after: '-1' }])
      expect(messageQuerySchema.safeParse(asked).success).toBe(false);
  });
});
