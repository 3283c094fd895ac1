/** Which bucket, and where in it. */
export interface MediaBucket {
  bucket: string;
  prefix: string;
  /** Null: AWS. */
  endpoint: string | null;
  /** Null: as the SDK finds it (its environment, its files). */
  region: string | null;
}
