import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import { z } from 'zod';
import { storageError } from '../../common/files.ts';
import { copyRequestSchema, sessionCopySchema, sha256Schema } from '../../fleet/backup/session-copy.ts';
import { type InstanceParts, route, SESSION_PATH, sessionParamsSchema } from './parts.ts';

/** 20 000 hashes with their quotes. */
const REQUEST_LIMIT = 2 * 1024 * 1024;
/** What is read of a file at one time, bytes: with Node's 64 KB, sending pieces takes a third more CPU time. */
const CHUNK = 256 * 1024;

const copyParamsSchema = sessionParamsSchema.extend({ copy: z.string().regex(/^[0-9a-f]{24}$/) });
const pieceParamsSchema = copyParamsSchema.extend({ sha256: sha256Schema });

/** Copies of sessions, for the backup service. */
export const copyRoutes = ({ copies }: Pick<InstanceParts, 'copies'>) => [
  route({
    method: 'post',
    path: `${SESSION_PATH}/copies`,
    summary: 'Copy a session as it is at one moment',
    tag: 'backups',
    params: sessionParamsSchema,
    body: copyRequestSchema,
    bodyLimit: REQUEST_LIMIT,
    responses: { 201: { description: 'The copy, to be fetched', schema: sessionCopySchema } },
    async handle({ params, body, signal }) {
      const copy = await copies.make(params.workspace_id, params.session_id, body.have, signal);
      return { status: 201, body: copy };
    },
  }),
  route({
    method: 'get',
    path: `${SESSION_PATH}/copies/:copy/archive`,
    summary: 'The archive of a copy',
    tag: 'backups',
    params: copyParamsSchema,
    responses: { 200: { description: 'A tar', contentTypes: ['application/x-tar'] } },
    async handle({ params, response }) {
      await copies.read(nameOf(params), null, (path) => sendFile(path, 'application/x-tar', response));
      return undefined;
    },
  }),
  route({
    method: 'get',
    path: `${SESSION_PATH}/copies/:copy/pieces/:sha256`,
    summary: 'A piece of a copy',
    tag: 'backups',
    params: pieceParamsSchema,
    responses: { 200: { description: 'Its bytes', contentTypes: ['application/octet-stream'] } },
    async handle({ params, response }) {
      const type = 'application/octet-stream';
      await copies.read(nameOf(params), params.sha256, (path) => sendFile(path, type, response));
      return undefined;
    },
  }),
  route({
    method: 'delete',
    path: `${SESSION_PATH}/copies/:copy`,
    summary: 'End a copy',
    tag: 'backups',
    params: copyParamsSchema,
    responses: { 200: { description: 'It is not there (any more)' } },
    async handle({ params }) {
      await copies.end(nameOf(params));
      return { body: {} };
    },
  }),
];

function nameOf({ workspace_id, session_id, copy }: z.output<typeof copyParamsSchema>) {
  return { workspace: workspace_id, session: session_id, copy };
}

/** An answer that breaks off has fewer bytes than it announced: whoever reads it knows. */
async function sendFile(path: string, type: string, response: Response): Promise<void> {
  let size: number;
  try {
    ({ size } = await stat(path));
  } catch (error) {
    throw storageError('read the copy', path, error);
  }
  response.set({ 'Content-Type': type, 'Content-Length': String(size), 'Cache-Control': 'no-store' });
  await pipeline(createReadStream(path, { highWaterMark: CHUNK }), response).catch((error: unknown) => {
    // The client went away, or the answer has begun: there is nobody to tell.
    if (!response.headersSent) throw storageError('read the copy', path, error);
    response.destroy();
  });
}
