import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { messageOf, systemCode, WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Directory } from './directory.ts';
import type { Faults } from './faults.ts';
import type { Journal } from './journal.ts';
import type { MediaStore } from './media.ts';
import type { PageFile, PageFiles } from './page-files.ts';
import { sameText } from './secrets.ts';
import type { TlsIdentity } from './tls.ts';

/** The largest media upload: WhatsApp's own limit for documents is 2 GB, for everything else 100 MB; memory is the limit here. Bytes. */
const UPLOAD_LIMIT = 128 * 1024 * 1024;

/** What the page's host needs. */
export interface HostParts {
  log: Logger;
  tls: TlsIdentity;
  journal: Journal;
  faults: Faults;
  directory: Directory;
  media: MediaStore;
  page: PageFiles;
}

/** The HTTPS server that stands for web.whatsapp.com: the page, and media under /mms. The WebSocket is put on it elsewhere. */
export function createHost(parts: HostParts): Server {
  return createServer({ key: parts.tls.key, cert: parts.tls.cert }, (request, response) => {
    answer(parts, request, response).catch((error: unknown) => {
      parts.log.error(
        { path: request.url?.split('?')[0], reason: messageOf(error) },
        'the page host could not answer',
      );
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(`${messageOf(error)}\n`);
    });
  });
}

/**
 * Listens on an address of this host.
 *
 * @throws WharfError `port_taken`
 */
export function listenHost(server: Server, port: number, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const taken = systemCode(error) === 'EADDRINUSE';
      reject(
        taken
          ? new WharfError(
              'port_taken',
              `Port ${port} is taken: the emulator's page cannot be served there. Choose another.`,
            )
          : error,
      );
    });
    server.listen({ port, host: address, backlog: 2048 }, () =>
      resolve((server.address() as AddressInfo).port),
    );
  });
}

async function answer(parts: HostParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = new URL(request.url ?? '/', 'https://web.whatsapp.com').pathname;
  if (path.startsWith('/mms/')) return answerMedia(parts, path, request, response);
  if (request.method !== 'GET' && request.method !== 'HEAD') return plain(response, 405, 'only GET');
  if (path === '/favicon.ico') return plain(response, 204, '');
  if (path === '/page.js') return sendFile(await parts.page.script(), request, response);
  const never = parts.faults.all.page_never_loads;
  parts.journal.add('page', { path, never: never !== false });
  if (never === 'blank') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end('<!doctype html><title>WhatsApp</title>');
    return undefined;
  }
  // Left without an answer, until the browser or this server ends the connection.
  if (never !== false) return undefined;
  return sendFile(await parts.page.index(), request, response);
}

function sendFile(file: PageFile, request: IncomingMessage, response: ServerResponse): void {
  const headers = { etag: file.etag, 'cache-control': 'no-cache' };
  if (request.headers['if-none-match'] === file.etag) {
    response.writeHead(304, headers);
    response.end();
    return;
  }
  response.writeHead(200, {
    ...headers,
    'content-type': file.contentType,
    'content-length': Buffer.byteLength(file.body),
  });
  response.end(request.method === 'HEAD' ? undefined : file.body);
}

async function answerMedia(
  parts: HostParts,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, , type = '', token = ''] = path.split('/');
  if (request.method === 'GET') {
    const bytes = await parts.media.get(token);
    if (bytes === undefined) return plain(response, 404, 'no such media');
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length });
    response.end(bytes);
    return undefined;
  }
  if (request.method !== 'POST' || !/^[a-z]{1,20}$/.test(type) || token !== '')
    return plain(response, 404, 'POST /mms/{type} uploads');
  const [id = '', secret = ''] = (request.headers.authorization ?? '').split(' ');
  const found = parts.directory.device(id);
  if (found === undefined || !sameText(found.device.secret, secret))
    return plain(response, 401, 'Authorization must be: device secret');
  const bytes = await readBody(request);
  if (bytes === undefined) return plain(response, 413, `over ${UPLOAD_LIMIT} bytes`);
  const result = await parts.media.put(type, bytes);
  parts.journal.add('upload', { phone: found.account.phone, device: id, kind: type, bytes: bytes.length });
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(result));
  return undefined;
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > UPLOAD_LIMIT) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(text);
}
