import { afterAll, beforeAll, describe } from 'vitest';
import { S3Store } from '../../../backup/store/s3-store.ts';
import { testsObjectStore } from '../../conformance/object-store.ts';
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
});
