import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import type { Reply } from '../../common/http/route.ts';
import { rangeOf } from '../media/byte-range.ts';
import type { MediaDesk, WantedMedia } from '../media/media-desk.ts';
import { fileHeaders } from '../media/media-headers.ts';

/**
 * Answers with a file, or the part of it that was asked for. One that breaks off, or turns out to be damaged, cuts the connection: whoever
 * reads sees that something is missing.
 *
 * @throws WharfError as {@link MediaDesk.find}, before the answer has begun
 */
export async function answerWithFile(
  desk: MediaDesk,
  wanted: WantedMedia,
  exchange: { request: Request; response: Response; requestId: string; signal: AbortSignal },
): Promise<Reply | undefined> {
  const { request, response } = exchange;
  const media = await desk.find(wanted, { id: exchange.requestId, caller: exchange.signal });
  const headers = fileHeaders(media);
  if (request.headers['if-none-match'] === headers['ETag']) return { status: 304, headers };
  const condition = request.headers['if-range'];
  const asked = condition === undefined || condition === headers['ETag'] ? request.headers.range : undefined;
  const range = rangeOf(asked, media.size);
  if (range === null) return { status: 416, headers: { 'Content-Range': `bytes */${media.size}` } };
  const length = range === undefined ? media.size : range.last - range.first + 1;
  const stream =
    request.method === 'HEAD' ? undefined : (await desk.open(media, wanted.workspace, range)).stream;
  response.status(range === undefined ? 200 : 206);
  // Not Express's set(), which adds a charset to types of text.
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader('Content-Length', length);
  if (range !== undefined)
    response.setHeader('Content-Range', `bytes ${range.first}-${range.last}/${media.size}`);
  if (stream === undefined) {
    response.end();
    return undefined;
  }
  try {
    await pipeline(stream, response);
  } catch {
    response.destroy();
  }
  return undefined;
}
