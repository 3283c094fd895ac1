import type { IncomingHttpHeaders } from 'node:http';
import { WharfError } from '../../common/errors.ts';
import type { MediaDescription, StoredMedia } from '../../fleet/media/media-store.ts';

const MIMETYPE = /^[\w.+-]{1,60}\/[\w.+-]{1,60}(\s*;[\x20-\x7e]{0,60})?$/;

/** Types that a browser shows and that can do nothing in it. SVG can. */
const HARMLESS = /^(image\/(?!svg)|video\/|audio\/)/i;

/** Nothing that we hand out may run or load anything, whatever it is and whoever sent it. */
const POLICY = "sandbox; default-src 'none'";

/**
 * What the headers of an upload say of the file: `Content-Type`, `X-Filename` (percent-encoded where it is not ASCII) or
 * `Content-Disposition`, and `Content-Digest` (RFC 9530), which is checked.
 *
 * @throws WharfError `unsupported_media_type`, `invalid_request`
 */
export function describeUpload(headers: IncomingHttpHeaders): MediaDescription {
  const mimetype = headers['content-type']?.trim();
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw new WharfError('unsupported_media_type', 'Send the file itself, with no Content-Encoding.');
  if (mimetype === undefined || !MIMETYPE.test(mimetype)) {
    throw new WharfError(
      'unsupported_media_type',
      'Content-Type must say what the file is, such as image/png.',
    );
  }
  if (/^multipart\//i.test(mimetype)) {
    throw new WharfError(
      'unsupported_media_type',
      'The body is the file itself: Content-Type says its type and X-Filename its name. Forms are not taken.',
    );
  }
  const sha256 = digestIn(headers['content-digest']);
  return { mimetype, filename: filenameIn(headers), ...(sha256 === undefined ? {} : { sha256 }) };
}

/** The headers of an answer with a file; of a part of it where one was asked for. */
export function fileHeaders(media: StoredMedia): Record<string, string> {
  const type = MIMETYPE.test(media.mimetype) ? media.mimetype : 'application/octet-stream';
  return {
    'Content-Type': type,
    'Content-Disposition': disposition(HARMLESS.test(type) ? 'inline' : 'attachment', media.filename),
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': POLICY,
    'Cross-Origin-Resource-Policy': 'cross-origin',
    'Cache-Control': 'private, no-cache',
    'Accept-Ranges': 'bytes',
    ETag: `"${media.sha256}"`,
  };
}

function filenameIn(headers: IncomingHttpHeaders): string | null {
  const own = headers['x-filename'];
  const given =
    typeof own === 'string'
      ? decoded(own, 'header.X-Filename')
      : nameInDisposition(headers['content-disposition']);
  if (given === null) return null;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (given !== '' && given.length <= 200 && !/[/\\\x00-\x1f\x7f]/.test(given)) return given;
  throw invalid('header.X-Filename', 'must be a name of 1 to 200 characters without slashes');
}

function nameInDisposition(header: string | undefined): string | null {
  if (header === undefined) return null;
  const encoded = /;\s*filename\*\s*=\s*utf-8''([^;\s]+)/i.exec(header)?.[1];
  if (encoded !== undefined) return decoded(encoded, 'header.Content-Disposition');
  const plain = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))/i.exec(header);
  return plain?.[1]?.replace(/\\(.)/g, '$1') ?? plain?.[2] ?? null;
}

function decoded(text: string, where: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(where, 'must be percent-encoded UTF-8 where it is not ASCII');
  }
}

function digestIn(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const digest = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(String(header))?.[1];
  if (digest === undefined)
    throw invalid('header.Content-Digest', 'must be sha-256=:...: with a hash in base64');
  return Buffer.from(digest, 'base64').toString('hex');
}

function disposition(kind: string, filename: string | null): string {
  if (filename === null) return kind;
  const ascii = filename.replace(/[^\x20-\x7e]/g, '_').replace(/["\\%]/g, '_');
  const encoded = encodeURIComponent(filename).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16)}`,
  );
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

function invalid(path: string, message: string): WharfError {
  return new WharfError('invalid_request', `${path}: ${message}`, { faults: [{ path, message }] });
}
