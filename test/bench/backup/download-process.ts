import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { readEnv } from '../../../common/env.ts';
import { runProcess } from '../../../common/lifecycle.ts';

/** Writes an object of a bucket to standard output, as `aws s3 cp s3://BUCKET/KEY -` does. */
await runProcess(async () => {
  const { ENDPOINT, REGION, BUCKET, KEY } = readEnv();
  if (ENDPOINT === undefined || REGION === undefined || BUCKET === undefined || KEY === undefined)
    throw new Error('ENDPOINT, REGION, BUCKET and KEY must be set');
  const client = new S3Client({ endpoint: ENDPOINT, region: REGION, forcePathStyle: true });
  const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: KEY }));
  await pipeline(Body as Readable, process.stdout);
  client.destroy();
  return 0;
});
