import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { isWharfError, messageOf, WharfError } from '../../common/errors.ts';
import type { ObjectStore } from './object-store.ts';

/** What a store is asked to do, in words. */
export type Trial =
  | 'list'
  | 'put'
  | 'put only where there is none'
  | 'get'
  | 'remove'
  | 'list uploads'
  | 'abort an upload';

/** What a store could not do, and what it said. */
export interface TrialFault {
  trial: Trial;
  fault: string;
}

/** Older than any upload: what is left of others is not touched. Milliseconds. */
const AGES = 100 * 365 * 24 * 3_600_000;

/** More than a store sends at once, bytes: it has begun an upload when its content breaks off. */
const PARTS = 17 * 1024 * 1024;
const CHUNK = 1024 * 1024;

/**
 * Does once with a store all that backups do with it, in `trials/`, and removes what it put. Every fault is found, so that whoever sets rights up sees all that are missing at once; but where
 * nothing can be listed or put, since the store is not there at all, the rest says no more.
 *
 * @param thorough also breaks an upload off, which costs 17 MB of sending
 */
export async function tryOut(store: ObjectStore, thorough = false): Promise<TrialFault[]> {
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
  await attempt('list uploads', () => store.abortUploads(AGES).then(() => undefined));
  if (put && thorough) await attempt('abort an upload', () => breakOff(store, `${key}.parts`));
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

async function breakOff(store: ObjectStore, key: string): Promise<string | undefined> {
  const end = new Error('the trial is over');
  const content = Readable.from(
    (async function* () {
      for (let sent = 0; sent < PARTS; sent += CHUNK) yield Buffer.alloc(CHUNK);
      throw end;
    })(),
    { objectMode: false },
  );
  try {
    await store.put(key, content);
    return 'An upload that broke off was taken for whole.';
  } catch (error) {
    if (error === end) return undefined;
    throw error;
  }
}
