import { S3ServiceException } from '@aws-sdk/client-s3';
import { messageOf } from '../common/errors.ts';
import type { S3Place } from './s3-place.ts';

/** The settings that say where a bucket is, for people. */
export interface S3Settings {
  bucket: string;
  endpoint: string;
}

/** An action of IAM that it takes to do something. */
export type S3Action = `${'s3' | 'kms'}:${string}`;

/** The HTTP status of an answer that was an error. */
export function s3Status(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

/** The code that S3 gave an error, such as `NoSuchBucket`. */
export function s3Code(error: unknown): string | undefined {
  return error instanceof S3ServiceException ? error.name : undefined;
}

/**
 * Why S3 did not do what it was asked for, and what to do: sentences for people, with the code first where it gave one. The error of the SDK itself must not be logged: it holds the request,
 * signature and all.
 */
export function whyS3Failed(
  error: unknown,
  place: S3Place,
  settings: S3Settings,
  actions: readonly S3Action[],
): string {
  const said = [s3Code(error), messageOf(error)].filter((part) => part && part !== 'UnknownError').join(': ');
  const region = rightRegion(error, place);
  if (region !== undefined)
    return `${said}. The bucket is in the region ${region}: set AWS_REGION=${region}.`;
  const hint = hintByCode(error, place, settings, actions) ?? hintByStatus(error, place, actions);
  return `${said.replace(/\.$/, '')}. ${hint ?? `Look at ${settings.bucket}, ${settings.endpoint} and what that server logs.`}`;
}

function hintByCode(
  error: unknown,
  place: S3Place,
  settings: S3Settings,
  actions: readonly S3Action[],
): string | undefined {
  const code = s3Code(error) ?? (error instanceof Error ? error.name : '');
  const hint = HINTS.find(({ codes }) => codes.test(code))?.hint;
  if (hint !== undefined) return hint(place, settings, actions);
  if (error instanceof S3ServiceException) return undefined;
  if (/region is missing/i.test(messageOf(error))) return 'Set AWS_REGION to the region of the bucket.';
  const system = /\b(E[A-Z]{4,}|EAI_[A-Z]+|CERT_[A-Z_]+|[A-Z_]*SELF_SIGNED[A-Z_]*|UNABLE_TO_[A-Z_]+)\b/;
  if (system.test(systemCodeOf(error) ?? messageOf(error))) return unreachable(place, settings);
  return undefined;
}

const HINTS: readonly {
  codes: RegExp;
  hint: (place: S3Place, settings: S3Settings, actions: readonly S3Action[]) => string;
}[] = [
  {
    codes: /^NoSuchBucket$/,
    hint: ({ bucket }, settings) =>
      `There is no bucket ${bucket} there: make it, or correct ${settings.bucket} or ${settings.endpoint}.`,
  },
  {
    codes: /^InvalidAccessKeyId$/,
    hint: () =>
      'The access key is not known there: look at AWS_ACCESS_KEY_ID, or at the role of this machine.',
  },
  {
    codes: /^SignatureDoesNotMatch$/,
    hint: () => "The secret is not the access key's: look at AWS_SECRET_ACCESS_KEY.",
  },
  {
    codes: /^(ExpiredToken|InvalidToken|TokenRefreshRequired)/,
    hint: () => 'The credentials have expired: renew them, or let the machine have a role.',
  },
  {
    codes: /^RequestTimeTooSkewed$/,
    hint: () => `The clocks disagree: this machine's says ${new Date().toISOString()}. Set it (NTP).`,
  },
  {
    codes: /^(CredentialsProviderError|ProviderError|CredentialsError)$/,
    hint: () =>
      'There are no credentials: give this machine a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  },
  {
    codes: /^KMS\./,
    hint: () => 'Look at the key, its state and its policy: kms:GenerateDataKey and kms:Decrypt are needed.',
  },
  {
    codes: /^(QuotaExceeded|InsufficientStorage|XMinioStorageFull)/,
    hint: () => 'There is no room left there: raise the quota, or keep fewer backups.',
  },
  {
    codes: /^(SlowDown|Throttling|ThrottlingException|TooManyRequests|RequestLimitExceeded)/,
    hint: () => 'It was asked again, with pauses, and stayed too busy: ask it for less at one time.',
  },
  { codes: /^TimeoutError$/, hint: unreachable },
  {
    codes: /^AccessDenied$/,
    hint: mayNot,
  },
];

function hintByStatus(error: unknown, place: S3Place, actions: readonly S3Action[]): string | undefined {
  const status = s3Status(error) ?? 0;
  if (status === 403) return mayNot(place, undefined, actions);
  if (status >= 500) return 'It was asked again, with pauses: look at what that server logs.';
  return undefined;
}

function mayNot(
  { bucket, prefix }: S3Place,
  _settings: S3Settings | undefined,
  actions: readonly S3Action[],
): string {
  return `The credentials may not do that: allow ${actions.join(' and ')} on arn:aws:s3:::${bucket} and arn:aws:s3:::${bucket}/${prefix}*.`;
}

function unreachable({ endpoint }: S3Place, settings: S3Settings): string {
  return `${endpoint ?? 'AWS'} cannot be reached, or does not answer: look at ${settings.endpoint} and the network.`;
}

const ELSEWHERE =
  /^(PermanentRedirect|TemporaryRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException)$/;

/** Where the bucket is, if the answer was that it is elsewhere. An answer to HEAD has no body, and so no code: there the status must do. */
function rightRegion(error: unknown, place: S3Place): string | undefined {
  if (!(error instanceof S3ServiceException)) return undefined;
  const status = s3Status(error) ?? 0;
  if (!ELSEWHERE.test(error.name) && ![301, 307, 400].includes(status)) return undefined;
  const header: unknown = error.$response?.headers?.['x-amz-bucket-region'];
  const field: unknown = 'Region' in error ? error.Region : undefined;
  const named = /expecting '([a-z0-9-]+)'/.exec(error.message)?.[1];
  const region = [header, field, named].find((found) => typeof found === 'string' && found !== '');
  return typeof region === 'string' && region !== place.region ? region : undefined;
}

function systemCodeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
