import { S3Client } from '@aws-sdk/client-s3';
import type { S3Place } from './s3-place.ts';

/** How patient a client is. Milliseconds. */
export interface S3Patience {
  /** For a connection. */
  connect: number;
  /** For which one may stay silent. */
  silence: number;
  /** For a whole request, until its answer begins. */
  request: number;
  /** How often each request is tried, with pauses that grow from 0.1 s (0.5 s where the server asked for less) to 20 s. */
  attempts: number;
}

/** What tests set; else the SDK finds them. */
export interface S3Credentials {
  accessKeyId: string;
  secretAccessKey: string;
}

/** A client of the SDK. The caller destroys it. */
export function s3Client(
  place: S3Place,
  { connect, silence, request, attempts }: S3Patience,
  credentials?: S3Credentials,
): S3Client {
  return new S3Client({
    ...(place.region === null ? {} : { region: place.region }),
    // Whoever is not AWS seldom has a DNS name for each bucket.
    ...(place.endpoint === null ? {} : { endpoint: place.endpoint, forcePathStyle: true }),
    ...(credentials === undefined ? {} : { credentials }),
    // The checksums the SDK adds by default are not known to every S3; all that is kept there has its hash elsewhere.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // The SDK opens a new connection for each body it first asks leave for (2 MB and more), and waits 6 s for servers that know no 100-continue.
    expectContinueHeader: false,
    maxAttempts: attempts,
    requestHandler: {
      connectionTimeout: connect,
      socketTimeout: silence,
      requestTimeout: request,
      throwOnRequestTimeout: true,
    },
  });
}
