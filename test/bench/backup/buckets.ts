import {
  DeleteBucketCommand,
  DeleteObjectsCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import { type S3Server, startRadosgw } from '../../helpers/radosgw.ts';

/** Room on the S3 server's disk in memory, bytes. */
const ROOM = 12 * 2 ** 30;

/** An S3 server with a bucket for each side and round. */
export class Buckets {
  readonly server: S3Server;
  readonly #client: S3Client;

  private constructor(server: S3Server) {
    this.server = server;
    this.#client = server.client();
  }

  static async start(): Promise<Buckets> {
    return new Buckets(await startRadosgw([`memstore device bytes = ${ROOM}`]));
  }

  /** For the programs of all sides, in the names that the AWS SDKs read. */
  get env(): Record<string, string> {
    const { credentials, region, endpoint } = this.server;
    return {
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      REGION: region,
      ENDPOINT: endpoint,
    };
  }

  async make(name: string): Promise<void> {
    await this.server.createBucket(name);
  }

  /** What a bucket holds: objects, and their bytes. */
  async size(name: string): Promise<{ objects: number; bytes: number }> {
    let objects = 0;
    let bytes = 0;
    for await (const page of paginateListObjectsV2({ client: this.#client }, { Bucket: name }))
      for (const { Size = 0 } of page.Contents ?? []) {
        objects += 1;
        bytes += Size;
      }
    return { objects, bytes };
  }

  async remove(name: string): Promise<void> {
    for await (const page of paginateListObjectsV2({ client: this.#client }, { Bucket: name })) {
      const Objects = (page.Contents ?? []).map(({ Key }) => ({ Key }));
      if (Objects.length > 0)
        await this.#client.send(new DeleteObjectsCommand({ Bucket: name, Delete: { Objects, Quiet: true } }));
    }
    await this.#client.send(new DeleteBucketCommand({ Bucket: name }));
  }

  async close(): Promise<void> {
    this.#client.destroy();
    await this.server.close();
  }
}
