import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { messageOf, WharfError } from '../../common/errors.ts';
import { isWorkspaceId, type WorkspaceId } from '../ids.ts';
import type { MediaBucket } from './media-bucket.ts';
import type { FolderEntry, MediaFolder } from './media-folder.ts';
import type { ByteRange } from './media-store.ts';

/** Bytes of a part of an upload, the least S3 takes, and how many are held in memory at one time. */
const PART = 5 * 1024 * 1024;
const PARTS = 2;

/** Milliseconds for a connection, and for which one may stay silent; each request is tried twice. */
const CONNECT_TIMEOUT = 5000;
const SILENCE_TIMEOUT = 10_000;
const ATTEMPTS = 2;

/** What a test sets. */
export interface S3Options {
  credentials?: { accessKeyId: string; secretAccessKey: string };
  connect?: number;
  silence?: number;
}

/** Media in a bucket, `{prefix}workspace_{id}/`. */
export class S3MediaFolder implements MediaFolder {
  readonly #client: S3Client;
  readonly #place: MediaBucket;

  constructor(place: MediaBucket, { credentials, connect, silence }: S3Options = {}) {
    this.#place = place;
    this.#client = new S3Client({
      ...(place.region === null ? {} : { region: place.region }),
      // Whoever is not AWS seldom has a DNS name for each bucket.
      ...(place.endpoint === null ? {} : { endpoint: place.endpoint, forcePathStyle: true }),
      ...(credentials === undefined ? {} : { credentials }),
      // The checksums the SDK adds by default are not known to every S3; the file's hash is in its record.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      maxAttempts: ATTEMPTS,
      requestHandler: {
        connectionTimeout: connect ?? CONNECT_TIMEOUT,
        socketTimeout: silence ?? SILENCE_TIMEOUT,
      },
    });
  }

  async write(workspace: WorkspaceId, name: string, content: AsyncIterable<Buffer>): Promise<void> {
    // What fails in the content itself is told as it is, not as a fault of S3.
    let fault: unknown;
    const body = Readable.from(
      (async function* () {
        try {
          yield* content;
        } catch (error) {
          fault = error;
          throw error;
        }
      })(),
      { objectMode: false },
    );
    const upload = new Upload({
      client: this.#client,
      params: { Bucket: this.#place.bucket, Key: this.#key(workspace, name), Body: body },
      partSize: PART,
      queueSize: PARTS,
    });
    try {
      await upload.done();
    } catch (error) {
      body.destroy();
      throw fault ?? this.#fault('write', workspace, error);
    }
  }

  async create(workspace: WorkspaceId, name: string, text: string): Promise<boolean> {
    const put = new PutObjectCommand({
      Bucket: this.#place.bucket,
      Key: this.#key(workspace, name),
      Body: text,
      ContentType: 'application/json',
      IfNoneMatch: '*',
    });
    try {
      await this.#client.send(put);
      return true;
    } catch (error) {
      if (statusOf(error) === 412) return false;
      throw this.#fault('write', workspace, error);
    }
  }

  async read(workspace: WorkspaceId, name: string): Promise<string | null> {
    const found = await this.#get(workspace, name);
    if (found === null) return null;
    try {
      return await found.transformToString();
    } catch (error) {
      throw this.#fault('read', workspace, error);
    }
  }

  async open(workspace: WorkspaceId, name: string, range?: ByteRange): Promise<Readable | null> {
    const found = await this.#get(workspace, name, range);
    if (found === null) return null;
    if (found instanceof Readable) return found;
    throw new Error('the SDK gave no stream of Node');
  }

  async list(workspace: WorkspaceId): Promise<FolderEntry[]> {
    const prefix = this.#key(workspace, '');
    const entries: FolderEntry[] = [];
    let token: string | undefined;
    do {
      const command: ListObjectsV2Command = new ListObjectsV2Command({
        Bucket: this.#place.bucket,
        Prefix: prefix,
        ContinuationToken: token,
      });
      const page = await this.#send('list', workspace, () => this.#client.send(command));
      for (const { Key, LastModified } of page.Contents ?? []) {
        if (Key !== undefined && LastModified !== undefined)
          entries.push({ name: Key.slice(prefix.length), time: LastModified.getTime() });
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
    return entries;
  }

  async remove(workspace: WorkspaceId, name: string): Promise<void> {
    const command = new DeleteObjectCommand({
      Bucket: this.#place.bucket,
      Key: this.#key(workspace, name),
    });
    await this.#send('remove', workspace, () => this.#client.send(command));
  }

  close(): void {
    this.#client.destroy();
  }

  async #get(workspace: WorkspaceId, name: string, range?: ByteRange) {
    const command = new GetObjectCommand({
      Bucket: this.#place.bucket,
      Key: this.#key(workspace, name),
      ...(range === undefined ? {} : { Range: `bytes=${range.first}-${range.last}` }),
    });
    try {
      return (await this.#client.send(command)).Body ?? null;
    } catch (error) {
      if (statusOf(error) === 404 && nameOf(error) !== 'NoSuchBucket') return null;
      throw this.#fault('read', workspace, error);
    }
  }

  #key(workspace: WorkspaceId, name: string): string {
    if (!isWorkspaceId(workspace))
      throw new WharfError('invalid_request', 'This is not a workspace id in its string form.');
    return `${this.#place.prefix}workspace_${workspace}/${name}`;
  }

  async #send<T>(operation: string, workspace: WorkspaceId, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw this.#fault(operation, workspace, error);
    }
  }

  #fault(operation: string, workspace: WorkspaceId, error: unknown): WharfError {
    const { bucket, endpoint } = this.#place;
    const why = [nameOf(error), messageOf(error)]
      .filter((part) => part !== undefined && part !== '')
      .join(': ');
    return new WharfError(
      'storage_unavailable',
      `Could not ${operation} media of workspace ${workspace} in the bucket ${bucket} at ${endpoint ?? 'AWS'}: ${why}. Check MEDIA_S3_BUCKET, MEDIA_S3_ENDPOINT, the region and the rights of the credentials.`,
      // Not the SDK's error itself: it holds the request, signature and all, and would end up in the log.
      { cause: new Error(why) },
    );
  }
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

function nameOf(error: unknown): string | undefined {
  return error instanceof S3ServiceException ? error.name : undefined;
}
