import { ADOPT_HEADER, restoreOrderSchema } from '../../fleet/instance-api.ts';
import { type InstanceParts, route, SESSION_PATH, sessionParamsSchema } from './parts.ts';

/** Put in place what was prepared of a backup, and put back what that replaced. */
export const restoreRoutes = ({ restores, undos }: Pick<InstanceParts, 'restores' | 'undos'>) => [
  route({
    method: 'post',
    path: `${SESSION_PATH}/restore`,
    summary: 'Put a session from a backup in place',
    tag: 'backups',
    params: sessionParamsSchema,
    body: restoreOrderSchema,
    responses: { 200: { description: 'It is in place' } },
    async handle({ params, body, request }) {
      const key = { workspace: params.workspace_id, session: params.session_id, restore: body.restore };
      return { body: { ...(await restores.restore(key, request.headers[ADOPT_HEADER] === 'first')) } };
    },
  }),
  route({
    method: 'post',
    path: `${SESSION_PATH}/undo-restore`,
    summary: 'Put back what a restore replaced',
    tag: 'backups',
    params: sessionParamsSchema,
    body: restoreOrderSchema,
    responses: { 200: { description: 'It is as it was before' } },
    async handle({ params, body, request }) {
      const key = { workspace: params.workspace_id, session: params.session_id, restore: body.restore };
      return { body: { ...(await undos.undo(key, request.headers[ADOPT_HEADER] === 'first')) } };
    },
  }),
];
