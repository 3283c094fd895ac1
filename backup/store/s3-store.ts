import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import pMap from 'p-map';
import { type Clock, systemClock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import { type S3Credentials, type S3Patience, s3Client } from '../../fleet/s3-client.ts';
import { type S3Action, s3Code, s3Status, whyS3Failed } from '../../fleet/s3-faults.ts';
import type { BackupBucket } from '../config.ts';
import { checkKey, checkPrefix } from './keys.ts';
import type { ObjectStore, StoredObject } from './object-store.ts';
import { PACE, type Pace, pacedChunks } from './pace.ts';
import { endWith, streamOf } from './streams.ts';
import { refuseFaults, tryOut } from './try-out.ts';

/** Bytes of a part of an upload, and how many are held in memory and sent at one time. S3 takes 10 000 parts: 80 GB. */
const PART = 8 * 1024 * 1024;
const PARTS = 2;

/** How patient: a server that is restarted, or asks for less, is waited for. */
const PATIENCE: S3Patience = { connect: 5000, silence: 20_000, request: 300_000, attempts: 6 };

/** How often a download goes on where it was cut. */
const RESUMPTIONS = 4;

/** Requests of {@link S3Store.remove} at one time. `DeleteObjects` would be one for a thousand, but not every S3 has it, and each wants other checksums. */
const REMOVALS = 16;

/** How often a conditional write is begun again where another of the same key was under way (409), and after how long. */
const CONFLICTS = 5;
const CONFLICT_PAUSE = 100;

const SETTINGS = { bucket: 'BACKUP_S3_BUCKET', endpoint: 'BACKUP_S3_ENDPOINT' };

const READ: S3Action[] = ['s3:GetObject', 's3:ListBucket'];
const WRITE: S3Action[] = ['s3:PutObject'];
const LIST: S3Action[] = ['s3:ListBucket'];
const REMOVE: S3Action[] = ['s3:DeleteObject'];
const UPLOADS: S3Action[] = ['s3:ListBucketMultipartUploads', 's3:AbortMultipartUpload'];

/** What a test sets. */
export interface S3StoreOptions {
  credentials?: S3Credentials;
  patience?: Partial<S3Patience>;
  pace?: Pace;
  clock?: Clock;
}

/** Objects in a bucket. */
export class S3Store implements ObjectStore {
  readonly shown: string;
  readonly #client: S3Client;
  readonly #place: BackupBucket;
  readonly #pace: Pace;
  readonly #clock: Clock;

  constructor(place: BackupBucket, { credentials, patience, pace, clock }: S3StoreOptions = {}) {
    this.#place = place;
    this.shown = `s3://${place.bucket}/${place.prefix}${place.endpoint === null ? '' : ` at ${place.endpoint}`}`;
    this.#client = s3Client(place, { ...PATIENCE, ...patience }, credentials);
    this.#pace = pace ?? PACE;
    this.#clock = clock ?? systemClock;
  }

  async check(): Promise<void> {
    refuseFaults(await tryOut(this), this.shown);
  }

  async put(key: string, content: Buffer | Readable, signal?: AbortSignal, sha256?: string): Promise<void> {
    const params = { ...this.#object(key), ...this.#encryption() };
    signal?.throwIfAborted();
    if (Buffer.isBuffer(content)) {
      const put = new PutObjectCommand({ ...params, Body: content });
      if (sha256 !== undefined) signWith(put, sha256);
      await this.#call(`put ${key}`, WRITE, () => this.#client.send(put, this.#until(signal)), signal);
      return;
    }
    let fault: unknown;
    content.on('error', (error) => {
      fault = error;
    });
    endWith(content, signal);
    const upload = new Upload({
      client: this.#client,
      params: { ...params, Body: content },
      partSize: PART,
      queueSize: PARTS,
    });
    // Parts that are on their way are not waited for.
    const end = () => void upload.abort();
    signal?.addEventListener('abort', end, { once: true });
    try {
      await upload.done();
    } catch (error) {
      signal?.throwIfAborted();
      // Another one is of S3, or of the removal of what was sent so far.
      if (fault !== undefined && error === fault) throw fault;
      throw this.#fault(`put ${key}`, [...WRITE, 's3:AbortMultipartUpload'], error);
    } finally {
      signal?.removeEventListener('abort', end);
      content.destroy();
    }
  }

  async create(key: string, content: Buffer): Promise<boolean> {
    // An attempt whose answer was lost is repeated by the SDK, and finds what it wrote: that is told by who wrote it.
    const writer = randomUUID();
    const put = new PutObjectCommand({
      ...this.#object(key),
      ...this.#encryption(),
      Body: content,
      IfNoneMatch: '*',
      Metadata: { writer },
    });
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#client.send(put);
        return true;
      } catch (error) {
        if (s3Status(error) === 412) return await this.#isWrittenBy(writer, key);
        if (s3Status(error) !== 409 || attempt > CONFLICTS) throw this.#fault(`create ${key}`, WRITE, error);
        await this.#clock.sleep(CONFLICT_PAUSE * attempt);
      }
    }
  }

  async get(key: string, signal?: AbortSignal): Promise<Readable | null> {
    const abort = new AbortController();
    const end = () => abort.abort(signal?.reason);
    if (signal?.aborted) end();
    signal?.addEventListener('abort', end, { once: true });
    const first = await this.#open(key, 0, undefined, abort.signal).catch((error: unknown) => {
      signal?.removeEventListener('abort', end);
      throw error;
    });
    if (first === null) {
      signal?.removeEventListener('abort', end);
      return null;
    }
    const release = () => {
      signal?.removeEventListener('abort', end);
      abort.abort();
      first.body.destroy();
    };
    return streamOf(this.#resumed(key, first, abort.signal), release, signal);
  }

  async head(key: string): Promise<StoredObject | null> {
    const head = new HeadObjectCommand(this.#object(key));
    const found = await this.#call(`look at ${key}`, READ, () => absentAsNull(this.#client.send(head)));
    if (found === null) return null;
    return { key, size: found.ContentLength ?? 0, modified: found.LastModified?.getTime() ?? 0 };
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    checkPrefix(prefix);
    let token: string | undefined;
    do {
      const list: ListObjectsV2Command = new ListObjectsV2Command({
        Bucket: this.#place.bucket,
        Prefix: this.#place.prefix + prefix,
        ContinuationToken: token,
      });
      const page = await this.#call(`list ${prefix}`, LIST, () => this.#client.send(list));
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        if (Key !== undefined && Size !== undefined && LastModified !== undefined)
          yield {
            key: Key.slice(this.#place.prefix.length),
            size: Size,
            modified: wholeSecond(LastModified),
          };
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async remove(keys: readonly string[]): Promise<void> {
    const removals = keys.map((key) => ({ key, command: new DeleteObjectCommand(this.#object(key)) }));
    await pMap(
      removals,
      ({ key, command }) => this.#call(`remove ${key}`, REMOVE, () => this.#client.send(command)),
      { concurrency: REMOVALS },
    );
  }

  /** By the `Date` of an answer. */
  async now(): Promise<number> {
    let date: unknown;
    const ask = new ListObjectsV2Command({
      Bucket: this.#place.bucket,
      Prefix: this.#place.prefix,
      MaxKeys: 1,
    });
    ask.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const { response } = result;
        if (response !== null && typeof response === 'object' && 'headers' in response)
          date = Object(response.headers)['date'];
        return result;
      },
      { step: 'deserialize', priority: 'low' },
    );
    await this.#call('ask for the time', LIST, () => this.#client.send(ask));
    const time = typeof date === 'string' ? Date.parse(date) : Number.NaN;
    if (Number.isNaN(time)) throw this.#fault('ask for the time', LIST, new Error('its answer has no Date'));
    return time;
  }

  async abortUploads(age: number): Promise<number> {
    const oldest = (await this.now()) - age;
    let aborted = 0;
    let markers: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | undefined = {};
    while (markers !== undefined) {
      const list: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
        Bucket: this.#place.bucket,
        Prefix: this.#place.prefix,
        ...markers,
      });
      const page = await this.#call('list uploads', UPLOADS, () => this.#client.send(list));
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (Key === undefined || UploadId === undefined) continue;
        if (Initiated === undefined || Initiated.getTime() > oldest) continue;
        const abort = new AbortMultipartUploadCommand({ Bucket: this.#place.bucket, Key, UploadId });
        // One that was completed or aborted by another meanwhile is not there any more.
        const done = await this.#call('abort an upload', UPLOADS, () =>
          absentAsNull(this.#client.send(abort)),
        );
        if (done !== null) aborted += 1;
      }
      markers = page.IsTruncated
        ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
        : undefined;
    }
    return aborted;
  }

  close(): void {
    this.#client.destroy();
  }

  #object(key: string): { Bucket: string; Key: string } {
    checkKey(key);
    return { Bucket: this.#place.bucket, Key: this.#place.prefix + key };
  }

  #encryption() {
    const { kmsKey } = this.#place;
    // The bucket's own key spares a request to KMS for each object.
    return kmsKey === null
      ? {}
      : ({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKey, BucketKeyEnabled: true } as const);
  }

  async #isWrittenBy(writer: string, key: string): Promise<boolean> {
    const head = new HeadObjectCommand(this.#object(key));
    const found = await this.#call(`look at ${key}`, READ, () => absentAsNull(this.#client.send(head)));
    return found?.Metadata?.['writer'] === writer;
  }

  /** @param from the first byte, of the same object: of another one the download fails */
  async #open(key: string, from: number, etag: string | undefined, signal: AbortSignal) {
    const get = new GetObjectCommand({
      ...this.#object(key),
      ...(from === 0 ? {} : { Range: `bytes=${from}-`, IfMatch: etag }),
    });
    const found = await this.#call(
      `read ${key}`,
      READ,
      () => absentAsNull(this.#client.send(get, { abortSignal: signal })),
      signal,
    );
    if (found === null) return null;
    if (!(found.Body instanceof Readable)) throw new Error('the SDK gave no stream of Node');
    // One that is cut before anybody reads it must not end the process; who reads it then is told.
    found.Body.on('error', () => {});
    return { body: found.Body, etag: found.ETag, size: found.ContentLength };
  }

  /** What an object holds; a download that is cut, or dribbles, goes on where it was. */
  async *#resumed(
    key: string,
    first: { body: Readable; etag: string | undefined; size: number | undefined },
    signal: AbortSignal,
  ): AsyncGenerator<Buffer> {
    let at = 0;
    let { body } = first;
    for (let resumptions = 0; ; resumptions++) {
      try {
        for await (const chunk of pacedChunks(body, this.#pace, this.#clock)) {
          at += chunk.length;
          yield chunk;
        }
        if (first.size === undefined || at === first.size) return;
        throw new Error(`the connection ended after ${at} bytes of ${first.size}`);
      } catch (error) {
        signal.throwIfAborted();
        if (resumptions === RESUMPTIONS) throw this.#fault(`read ${key}`, READ, error);
      } finally {
        body.destroy();
      }
      const next = await this.#open(key, at, first.etag, signal);
      if (next === null) throw this.#fault(`read ${key}`, READ, new Error('it was removed meanwhile'));
      body = next.body;
    }
  }

  #until(signal: AbortSignal | undefined) {
    return signal === undefined ? {} : { abortSignal: signal };
  }

  async #call<T>(
    operation: string,
    actions: S3Action[],
    call: () => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    try {
      return await call();
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#fault(operation, actions, error);
    }
  }

  #fault(operation: string, actions: S3Action[], error: unknown): WharfError {
    const kms: S3Action[] = this.#place.kmsKey === null ? [] : ['kms:GenerateDataKey', 'kms:Decrypt'];
    const why = whyS3Failed(error, this.#place, SETTINGS, [...actions, ...kms]);
    return new WharfError('backup_store_failed', `Could not ${operation} in ${this.shown}: ${why}`, {
      // Not the SDK's error itself: it holds the request, signature and all, and would end up in the log.
      cause: new Error(why),
    });
  }
}

/** Signs a request with the hash of its body that is known. The SDK takes it from the header, and the server refuses a body that is another. */
function signWith(put: PutObjectCommand, sha256: string): void {
  put.middlewareStack.add(
    (next) => async (args) => {
      const { request } = args;
      if (request !== null && typeof request === 'object' && 'headers' in request)
        Object(request.headers)['x-amz-content-sha256'] = sha256;
      return await next(args);
    },
    { step: 'build', name: 'knownHash' },
  );
}

/** As the answer to a HEAD has it: some servers list milliseconds, and the two times of one object would differ. */
function wholeSecond(time: Date): number {
  return Math.floor(time.getTime() / 1000) * 1000;
}

/** Null for what is not there; that the bucket is not there is a fault. */
async function absentAsNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (s3Status(error) === 404 && s3Code(error) !== 'NoSuchBucket') return null;
    throw error;
  }
}
