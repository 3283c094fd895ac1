import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { brotli } from '../../../backup/objects/brotli.ts';
import { compressed, decompressed } from '../../../backup/objects/content.ts';
import { gzip } from '../../../backup/objects/gzip.ts';
import { WharfError } from '../../../common/errors.ts';
import { refOf } from '../../helpers/backed-up-session.ts';
import { collected } from '../../helpers/collected.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const content = Buffer.concat([randomBytes(300_000), Buffer.alloc(300_000)]);
const ref = refOf(content);

it.each([gzip, brotli])(
  'blames the object, not the store, for each bit that is flipped in a file ($suffix)',
  async (codec) => {
    const stored = Buffer.concat(await collected(compressed(content, ref, codec)));
    const path = join(await temporaryDirectory(), 'object');
    for (let at = 0; at < 40; at += 1) {
      const place = Math.floor((stored.length / 40) * at);
      const bytes = Buffer.from(stored);
      bytes.writeUInt8(bytes.readUInt8(place) ^ 16, place);
      await writeFile(path, bytes);
      const read = buffer(decompressed(createReadStream(path), ref, codec, 'objects/x'));
      // A bit of gzip's header that says nothing may be any.
      const outcome = await read.catch((error: unknown) => error);
      if (Buffer.isBuffer(outcome)) expect(outcome.equals(content)).toBe(true);
      else expect(outcome, `byte ${place}`).toMatchObject({ code: 'backup_damaged' });
    }
  },
);

it.each([gzip, brotli])('blames the store where it breaks off ($suffix)', async (codec) => {
  const stored = Buffer.concat(await collected(compressed(content, ref, codec)));
  const breaking = Readable.from(
    (async function* () {
      yield stored.subarray(0, 70_000);
      throw new WharfError('backup_store_failed', 'the connection was cut');
    })(),
    { objectMode: false },
  );
  await expect(buffer(decompressed(breaking, ref, codec, 'objects/x'))).rejects.toThrow(
    'the connection was cut',
  );
});

it.each([gzip, brotli])('tells what the store failed with before anybody read ($suffix)', async (codec) => {
  const fault = new WharfError('backup_store_failed', 'the connection was cut');
  const broken = new Readable({ read() {} }).on('error', () => {});
  broken.destroy(fault);
  await new Promise((resolve) => setImmediate(resolve));
  await expect(buffer(decompressed(broken, ref, codec, 'objects/x'))).rejects.toBe(fault);
});
