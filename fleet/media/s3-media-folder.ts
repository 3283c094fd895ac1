import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { WharfError } from '../../common/errors.ts';
import { isWorkspaceId, type WorkspaceId } from '../ids.ts';
import { type S3Credentials, type S3Patience, s3Client } from '../s3-client.ts';
import { type S3Action, s3Code, s3Status, whyS3Failed } from '../s3-faults.ts';
import type { S3Place } from '../s3-place.ts';
import type { FolderEntry, MediaFolder } from './media-folder.ts';
import type { ByteRange } from './media-store.ts';

/** Bytes of a part of an upload, the least S3 takes, and how many are held in memory at one time. */
const PART = 5 * 1024 * 1024;
const PARTS = 2;

/** Somebody waits for it: each request is tried twice, and not for long. */
const PATIENCE: S3Patience = { connect: 5000, silence: 10_000, request: 120_000, attempts: 2 };

const SETTINGS = { bucket: 'MEDIA_S3_BUCKET', endpoint: 'MEDIA_S3_ENDPOINT' };

/** The actions of IAM that an operation takes. */
const ACTIONS = {
  write: ['s3:PutObject', 's3:AbortMultipartUpload'],
  read: ['s3:GetObject', 's3:ListBucket'],
  list: ['s3:ListBucket'],
  remove: ['s3:DeleteObject'],
} satisfies Record<string, S3Action[]>;
type Operation = keyof typeof ACTIONS;

/** What a test sets. */
export interface S3Options extends Partial<S3Patience> {
  credentials?: S3Credentials;
}

/** Media in a bucket, `{prefix}workspace_{id}/`. */
export class S3MediaFolder implements MediaFolder {
  readonly #client: S3Client;
  readonly #place: S3Place;

  constructor(place: S3Place, { credentials, ...patience }: S3Options = {}) {
    this.#place = place;
    this.#client = s3Client(place, { ...PATIENCE, ...patience }, credentials);
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
      if (s3Status(error) === 412) return false;
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
      if (s3Status(error) === 404 && s3Code(error) !== 'NoSuchBucket') return null;
      throw this.#fault('read', workspace, error);
    }
  }

  #key(workspace: WorkspaceId, name: string): string {
    if (!isWorkspaceId(workspace))
      throw new WharfError('invalid_request', 'This is not a workspace id in its string form.');
    return `${this.#place.prefix}workspace_${workspace}/${name}`;
  }

  async #send<T>(operation: Operation, workspace: WorkspaceId, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw this.#fault(operation, workspace, error);
    }
  }

  #fault(operation: Operation, workspace: WorkspaceId, error: unknown): WharfError {
    const { bucket, endpoint } = this.#place;
    const why = whyS3Failed(error, this.#place, SETTINGS, ACTIONS[operation]);
    return new WharfError(
      'storage_unavailable',
      `Could not ${operation} media of workspace ${workspace} in the bucket ${bucket} at ${endpoint ?? 'AWS'}: ${why}`,
      // Not the SDK's error itself: it holds the request, signature and all, and would end up in the log.
      { cause: new Error(why) },
    );
  }
}
