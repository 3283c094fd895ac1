import { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { readEnv } from '../../../common/env.ts';
import { runProcess } from '../../../common/lifecycle.ts';

/** Puts what comes in at standard input into a bucket, in parts, as `aws s3 cp - s3://BUCKET/KEY` does. */
await runProcess(async () => {
  const { ENDPOINT, REGION, BUCKET, KEY } = readEnv();
  if (ENDPOINT === undefined || REGION === undefined || BUCKET === undefined || KEY === undefined)
    throw new Error('ENDPOINT, REGION, BUCKET and KEY must be set');
  const client = new S3Client({ endpoint: ENDPOINT, region: REGION, forcePathStyle: true });
  await new Upload({
    client,
    params: { Bucket: BUCKET, Key: KEY, Body: process.stdin },
    // As the AWS command line does it by default.
    partSize: 8 * 1024 * 1024,
    queueSize: 10,
  }).done();
  client.destroy();
  return 0;
});
