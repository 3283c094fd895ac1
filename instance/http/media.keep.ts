import { receivedMediaQuerySchema } from '../../fleet/media/received-media.ts';
import { type InstanceParts, route, SESSION_PATH, sessionParamsSchema } from './parts.ts';

export const keepMedia = ({ manager, downloads }: Pick<InstanceParts, 'manager' | 'downloads'>) =>
  route({
    method: 'post',
    path: `${SESSION_PATH}/media`,
    summary: "Bring a message's media from WhatsApp into the store",
    tag: 'messages',
    params: sessionParamsSchema,
    query: receivedMediaQuerySchema,
    responses: { 200: { description: 'It is kept' } },
    async handle({ params, query }) {
      const session = manager.get(params.workspace_id, params.session_id);
      const key = { workspace: params.workspace_id, session: params.session_id };
      return { body: await downloads.keep(key, query.whatsapp_id, () => session.readyClient()) };
    },
  });
