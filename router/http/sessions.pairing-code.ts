import { z } from 'zod';
import { pairingCodeSchema } from '../../fleet/instance-api.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { callSession, SESSION_PATH, sessionParams, workspaceQuery } from './session-call.ts';

/** POST `/api/whatsapp/sessions/{session_id}/pairing-code` */
export function sessionsPairingCode(services: Services): RouterRoute {
  return route({
    method: 'post',
    path: `${SESSION_PATH}/pairing-code`,
    tag: 'Linking',
    summary: 'A code to enter on the phone instead of scanning a QR',
    params: sessionParams,
    query: workspaceQuery,
    body: pairingCodeSchema,
    responses: {
      200: { description: 'The code', schema: z.object({ code: z.string() }).meta({ id: 'PairingCode' }) },
      422: { description: 'pairing_refused: WhatsApp gave none' },
    },
    handle: (exchange) =>
      callSession(services, exchange, {
        method: 'POST',
        path: '/pairing-code',
        body: exchange.body,
        repeatable: false,
        patience: 60_000,
      }),
  });
}
