import { type InstanceParts, route, SESSION_PATH, sessionParamsSchema } from './parts.ts';

/** Start, stop, restart, logout, keep and unkeep: the same but for the word. */
export const controlSession = ({ manager }: InstanceParts) =>
  (['start', 'stop', 'restart', 'logout', 'keep', 'unkeep'] as const).map((action) =>
    route({
      method: 'post',
      path: `${SESSION_PATH}/${action}`,
      summary: `${action} a session`,
      tag: 'sessions',
      params: sessionParamsSchema,
      responses: { 202: { description: 'It is done or under way' } },
      async handle({ params }) {
        const session = await manager[action](params.workspace_id, params.session_id);
        return { status: 202, body: session.detail() };
      },
    }),
  );
