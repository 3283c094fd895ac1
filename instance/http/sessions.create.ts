import { ADOPT_HEADER, createSessionSchema } from '../../fleet/instance-api.ts';
import { type InstanceParts, route, SESSION_PATH, sessionParamsSchema } from './parts.ts';

export const createSession = ({ manager }: InstanceParts) =>
  route({
    method: 'put',
    path: SESSION_PATH,
    summary: 'Make a session and start it',
    tag: 'sessions',
    params: sessionParamsSchema,
    body: createSessionSchema,
    responses: { 200: { description: 'It existed' }, 201: { description: 'It was made' } },
    async handle({ params, body, request }) {
      const adopt = request.headers[ADOPT_HEADER] === 'first';
      const { session, created } = await manager.create(params.workspace_id, params.session_id, body, adopt);
      return { status: created ? 201 : 200, body: session.detail() };
    },
  });
