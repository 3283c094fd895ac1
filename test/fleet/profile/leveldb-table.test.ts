import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { tableFault } from '../../../fleet/profile/leveldb-table.ts';
import { aTable } from '../../helpers/database-files.ts';

const table = aTable(randomBytes(5000), randomBytes(300));
const faultOf = (bytes: Buffer) =>
  tableFault(bytes.length, async (at, size) => bytes.subarray(at, at + size));
const flipped = (at: number) => {
  const bytes = Buffer.from(table);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  return bytes;
};

it('finds nothing in a whole table', async () => {
  expect(await faultOf(table)).toBeNull();
  expect(await faultOf(aTable())).toBeNull();
});

it.each([
  ['of zeros, as a crash of the machine leaves it', Buffer.alloc(table.length), /does not end as tables do/],
  ['without its end', table.subarray(0, -1), /does not end as tables do/],
  ['shorter than a footer', table.subarray(-20), /too few/],
  ['with only its footer', table.subarray(-48), /lies outside/],
  ['with a flipped bit in its index', flipped(table.length - 48 - 8), /index is damaged/],
  ['with a flipped bit in its magic number', flipped(table.length - 1), /does not end as tables do/],
])('finds one %s', async (_, bytes, fault) => {
  expect(await faultOf(bytes)).toMatch(fault);
});

it('takes numbers too large to be places in a file for what they are', async () => {
  const bytes = Buffer.from(table);
  bytes.fill(0xff, bytes.length - 48, bytes.length - 8);
  expect(await faultOf(bytes)).toMatch(/does not say where/);
});

it('never throws at random bytes behind a good end', async () => {
  for (let at = 0; at < 200; at += 1) {
    const bytes = Buffer.concat([randomBytes(400), table.subarray(-8)]);
    expect(await faultOf(bytes)).not.toBeNull();
  }
});
