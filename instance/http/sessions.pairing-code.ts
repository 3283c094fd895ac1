import { pairingCodeSchema } from '../../fleet/instance-api.ts';
import { type InstanceParts, route, SESSION_PATH, sessionParamsSchema } from './parts.ts';

export const requestPairingCode = ({ manager }: InstanceParts) =>
  route({
    method: 'post',
    path: `${SESSION_PATH}/pairing-code`,
    summary: 'A code to type into the phone',
    tag: 'sessions',
    params: sessionParamsSchema,
    body: pairingCodeSchema,
    responses: { 200: { description: 'The code' } },
    async handle({ params, body, signal }) {
      const session = manager.get(params.workspace_id, params.session_id);
      return {
        body: { code: await session.requestPairingCode(body.phone_number, signal) },
        headers: { 'Cache-Control': 'no-store' },
      };
    },
  });
