import { WharfError } from '../../common/errors.ts';
import { IMPORTS_PATH, importAnswerSchema, importRequestSchema } from '../../fleet/imports.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { noQuery } from './fleet-schemas.ts';

/** POST `/api/imports`: `wharf import` asks for it, once it has prepared a profile on the shared storage. */
export function importsCreate({ creator }: Services): RouterRoute {
  return route({
    method: 'post',
    path: IMPORTS_PATH,
    tag: 'Sessions',
    access: 'admin',
    summary:
      'Makes a session of a profile that "wharf import" prepared on the shared storage. The same body again gives the same session',
    query: noQuery,
    body: importRequestSchema,
    responses: {
      200: { description: 'It is in place, and starts', schema: importAnswerSchema },
      404: {
        description: 'restore_not_found: the instance sees no such profile; is the storage the same one?',
      },
      409: { description: 'session_exists: there is a session of that name, and it is not to be replaced' },
      503: { description: 'no_capacity: no instance has room' },
    },
    async handle({ body, requestId }) {
      const place = { workspace: body.workspace_id, session: body.session_id };
      const { session, trash } = await creator.importSession(place, body.import, requestId);
      if (session === null)
        throw new WharfError(
          'session_not_found',
          `Session ${place.session} of workspace ${place.workspace} was imported, and is not there any more: somebody deleted it since.`,
        );
      return { body: importAnswerSchema.parse({ session, trash }) };
    },
  });
}
