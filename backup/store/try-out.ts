import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { isWharfError, messageOf, WharfError } from '../../common/errors.ts';
import type { ObjectStore } from './object-store.ts';

/** What a store is asked to do, in words. */
export const TRIALS = [
  'list',
  'put',
  'put only where there is none',
  'get',
  'remove',
  'abort uploads',
] as const;
export type Trial = (typeof TRIALS)[number];

/** What a store could not do, and what it said. */
export interface TrialFault {
  trial: Trial;
  fault: string;
}

/** Older than any upload: what is left of others is not touched. */
const AGES = 100 * 365 * 24 * 3_600_000;

/**
 * Does once with a store all that backups do with it, in `trials/`, and removes what it put. Every fault is found, so that whoever sets rights up sees all that are missing at once; but where
 * nothing can be listed or put, since the store is not there at all, the rest says no more.
 */
export async function tryOut(store: ObjectStore): Promise<TrialFault[]> {
  const key = `trials/${randomBytes(8).toString('hex')}`;
  const faults: TrialFault[] = [];
  const attempt = async (trial: Trial, call: () => Promise<string | undefined>) => {
    try {
      const fault = await call();
      if (fault !== undefined) faults.push({ trial, fault });
    } catch (error) {
      if (!isWharfError(error)) throw error;
      faults.push({ trial, fault: messageOf(error) });
    }
  };
  await attempt('list', () => listNothing(store, `${key}.none`));
  await attempt('put', () => store.put(key, Buffer.from('first')).then(() => undefined));
  if (faults.length === 2) return faults;
  const put = faults.every(({ trial }) => trial !== 'put');
  if (put) {
    await attempt('put only where there is none', () => createAgain(store, key));
    await attempt('get', () => getBack(store, key));
  }
  await attempt('remove', () => store.remove([key]).then(() => undefined));
  await attempt('abort uploads', () => store.abortUploads(AGES).then(() => undefined));
  return faults;
}

/** Throws `backup_store_failed` with all that a store could not do. */
export function refuseFaults(faults: readonly TrialFault[], shown: string): void {
  const [only] = faults;
  if (only === undefined) return;
  const said = [...new Set(faults.map(({ fault }) => fault))];
  throw new WharfError(
    'backup_store_failed',
    `${shown} cannot hold backups (${faults.map(({ trial }) => trial).join(', ')}). ${said.join(' ')}`,
  );
}

async function listNothing(store: ObjectStore, prefix: string): Promise<undefined> {
  for await (const _ of store.list(prefix)) break;
}

async function createAgain(store: ObjectStore, key: string): Promise<string | undefined> {
  if (!(await store.create(key, Buffer.from('second')))) return undefined;
  return 'An object that was there was put again: it does not know conditional writes. Use an S3 that knows If-None-Match, such as AWS or Ceph: without it two services may write one backup.';
}

async function getBack(store: ObjectStore, key: string): Promise<string | undefined> {
  const stream = await store.get(key);
  const text = stream === null ? null : (await buffer(stream)).toString();
  return text === 'first' || text === 'second' ? undefined : 'What was put is not what was read.';
}
