/** Which bucket, and where in it. */
export interface S3Place {
  bucket: string;
  /** What all keys begin with. */
  prefix: string;
  /** Null: AWS. Others are asked by path (`endpoint/bucket/key`). */
  endpoint: string | null;
  /** Null: as the SDK finds it (its environment, its files). */
  region: string | null;
}

/** The place that a configuration names. */
export function s3Place(
  bucket: string,
  prefix: string,
  endpoint: string | undefined,
  region: string | undefined,
): S3Place {
  return {
    bucket,
    prefix,
    endpoint: endpoint ?? null,
    // Whoever is not AWS asks for some region in the signature, and seldom for a certain one.
    region: region ?? (endpoint === undefined ? null : 'us-east-1'),
  };
}
