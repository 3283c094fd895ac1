import { type InstanceParts, route, SESSION_PATH, sessionParamsSchema } from './parts.ts';

export const getSession = ({ manager }: InstanceParts) =>
  route({
    method: 'get',
    path: SESSION_PATH,
    summary: 'One session',
    tag: 'sessions',
    params: sessionParamsSchema,
    responses: { 200: { description: 'The session' } },
    handle: ({ params }) => ({ body: manager.get(params.workspace_id, params.session_id).detail() }),
  });
