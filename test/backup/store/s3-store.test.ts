import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { S3Store } from '../../../backup/store/s3-store.ts';
import { testsObjectStore } from '../../conformance/object-store.ts';
import { refOf } from '../../helpers/backed-up-session.ts';
import { type S3Server, startRadosgw, whyNoRadosgw } from '../../helpers/radosgw.ts';

const missing = whyNoRadosgw();
if (missing !== undefined) process.stderr.write(`backups in S3 are NOT tested here: ${missing}\n`);

describe.skipIf(missing !== undefined)('a bucket for backups', () => {
  let server: S3Server;
  let number = 0;
  beforeAll(async () => {
    server = await startRadosgw();
    await server.createBucket('backups');
  });
  afterAll(() => server?.close());

  testsObjectStore('in S3', async () => {
    number += 1;
    const place = {
      bucket: 'backups',
      prefix: `test-${number}/`,
      endpoint: server.endpoint,
      region: server.region,
      kmsKey: null,
    };
    return new S3Store(place, { credentials: server.credentials });
  });

  it('signs a body with the hash that is given, and the server refuses one that is another', async () => {
    const place = {
      bucket: 'backups',
      prefix: 'signed/',
      endpoint: server.endpoint,
      region: server.region,
      kmsKey: null,
    };
    const store = new S3Store(place, { credentials: server.credentials });
    const content = Buffer.from('content');
    await store.put('right', content, undefined, refOf(content).sha256);
    const wrong = refOf(Buffer.from('c0ntent')).sha256;
    await expect(store.put('wrong', content, undefined, wrong)).rejects.toMatchObject({
      code: 'backup_store_failed',
    });
    expect(await store.head('right')).toMatchObject({ size: content.length });
    expect(await store.head('wrong')).toBeNull();
    store.close();
  });
});
