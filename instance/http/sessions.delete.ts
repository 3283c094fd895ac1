import { type InstanceParts, route, SESSION_PATH, sessionParamsSchema } from './parts.ts';

export const deleteSession = ({ manager }: InstanceParts) =>
  route({
    method: 'delete',
    path: SESSION_PATH,
    summary: 'Log out and move to the trash',
    tag: 'sessions',
    params: sessionParamsSchema,
    responses: { 200: { description: 'Gone' } },
    async handle({ params }) {
      const unlinked = await manager.delete(params.workspace_id, params.session_id);
      return { body: { unlinked } };
    },
  });
