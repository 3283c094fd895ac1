import { inspect } from 'node:util';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { S3Store, type S3StoreOptions } from '../../../backup/store/s3-store.ts';
import { type S3Server, startRadosgw } from '../../helpers/radosgw.ts';
import { S3FaultProxy, type SeenRequest } from '../../helpers/s3-fault-proxy.ts';

const BUCKET = 'backups';

/** A real S3 server behind a proxy that does what networks and servers do now and then, and stores of it. */
export class FaultyS3 {
  readonly server: S3Server;
  readonly proxy: S3FaultProxy;
  readonly bucket = BUCKET;
  readonly #stores: S3Store[] = [];
  #number = 0;

  private constructor(server: S3Server, proxy: S3FaultProxy) {
    this.server = server;
    this.proxy = proxy;
  }

  static async start(): Promise<FaultyS3> {
    const server = await startRadosgw();
    await server.createBucket(BUCKET);
    return new FaultyS3(server, await S3FaultProxy.start(server.endpoint));
  }

  async close(): Promise<void> {
    await this.proxy.close();
    await this.server.close();
  }

  /** An end of a test: closes its stores, and gives the next ones a place of their own. */
  next(): void {
    this.proxy.reset();
    for (const store of this.#stores.splice(0)) store.close();
    this.#number += 1;
  }

  get prefix(): string {
    return `test-${this.#number}/`;
  }

  open(
    place: { bucket?: string; endpoint?: string; region?: string; kmsKey?: string } = {},
    options: S3StoreOptions | null = {},
  ): S3Store {
    const { credentials, region } = this.server;
    const store = new S3Store(
      { bucket: BUCKET, prefix: this.prefix, endpoint: this.proxy.endpoint, region, kmsKey: null, ...place },
      // Null: as the SDK finds them.
      options === null
        ? {}
        : { credentials, ...options, patience: { silence: 1000, connect: 1000, ...options.patience } },
    );
    this.#stores.push(store);
    return store;
  }

  /** The requests of a method so far. */
  asked(method: string): SeenRequest[] {
    return this.proxy.requests.filter((request) => request.method === method);
  }

  /** What an attempt fails with, for people. */
  async faultOf(attempt: Promise<unknown>): Promise<string> {
    const error: unknown = await attempt.then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({
      code: 'backup_store_failed',
      message: expect.stringContaining(`s3://${BUCKET}`),
    });
    // What goes to the log holds no request, and so no signature.
    expect(inspect(error, { depth: 10 })).not.toMatch(/AWS4-HMAC|Credential=|test-access-key|signature=/i);
    return error instanceof Error ? error.message : '';
  }

  /** Uploads that were begun and not ended, by keys of a prefix. */
  async uploads(prefix = this.prefix): Promise<unknown[]> {
    const client = this.server.client();
    const list = new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: prefix });
    const { Uploads } = await client.send(list);
    client.destroy();
    return Uploads ?? [];
  }
}
