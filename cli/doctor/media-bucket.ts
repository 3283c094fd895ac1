import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import type { Env } from '../../common/env.ts';
import { messageOf, WharfError } from '../../common/errors.ts';
import { faultsOf } from '../../common/faults.ts';
import type { MediaFolder } from '../../fleet/media/media-folder.ts';
import { bucketFolder } from '../../fleet/media/open-media-store.ts';
import { mediaBucketOf, messagingVariables } from '../../fleet/messaging-config.ts';
import type { S3Place } from '../../fleet/s3-place.ts';
import type { Finding } from './finding.ts';

const SUBJECT = 'media bucket';

/** The workspace whose place in the bucket is written to; what is written there is removed. */
const WORKSPACE = 'wharf-doctor';

const variables = z.object(messagingVariables).pick({
  MEDIA_S3_BUCKET: true,
  MEDIA_S3_PREFIX: true,
  MEDIA_S3_ENDPOINT: true,
  AWS_REGION: true,
});

/** Whether the bucket for media, if there is to be one, can be written, read, listed and removed from, and creates a name once. */
export async function checkMediaBucket(
  env: Env,
  open: (bucket: S3Place) => MediaFolder = bucketFolder,
): Promise<Finding[]> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = variables.safeParse(given);
  if (!parsed.success) {
    const detail = faultsOf(parsed.error).map((fault) => `${fault.path} ${fault.message}`);
    return [{ subject: SUBJECT, status: 'failed', detail: detail.join('; ') }];
  }
  const bucket = mediaBucketOf(parsed.data);
  if (bucket === null) return [];
  const folder = open(bucket);
  try {
    const fault = await tryOut(folder);
    return [{ subject: SUBJECT, status: 'ok', detail: `${bucket.bucket}, writable`, ...fault }];
  } catch (error) {
    return [{ subject: SUBJECT, status: 'failed', detail: messageOf(error) }];
  } finally {
    folder.close();
  }
}

async function tryOut(folder: MediaFolder): Promise<Omit<Finding, 'subject'> | undefined> {
  const name = `doctor-${randomBytes(8).toString('hex')}`;
  try {
    await folder.write(WORKSPACE, `${name}.bytes`, bytes());
    const stream = await folder.open(WORKSPACE, `${name}.bytes`);
    if (stream === null || (await buffer(stream)).toString() !== 'doctor')
      throw new WharfError('storage_unavailable', 'What was written is not what was read.');
    await folder.create(WORKSPACE, name, 'first');
    const again = await folder.create(WORKSPACE, name, 'second');
    if (again || (await folder.read(WORKSPACE, name)) !== 'first') {
      return {
        status: 'failed',
        detail: 'a name that exists was written again: it does not know conditional writes',
        hint: 'Use an S3 that knows If-None-Match, such as AWS or Ceph; without it two hosts may keep one file twice, and lose one.',
      };
    }
    if (!(await folder.list(WORKSPACE)).some((entry) => entry.name === name))
      throw new WharfError('storage_unavailable', 'What was written is not listed.');
    return undefined;
  } finally {
    await folder.remove(WORKSPACE, name);
    await folder.remove(WORKSPACE, `${name}.bytes`);
  }
}

async function* bytes(): AsyncGenerator<Buffer> {
  yield Buffer.from('doctor');
}
