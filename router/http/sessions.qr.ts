import { z } from 'zod';
import { qrQuerySchema } from '../../fleet/instance-api.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { callSession, queryText, SESSION_PATH, sessionParams, workspaceField } from './session-call.ts';

const qrSchema = z
  .object({
    qr: z.string().describe('What the code says'),
    expires_at: z.iso.datetime().nullable(),
    image: z.string().describe('The code as a data URL'),
  })
  .meta({ id: 'Qr' });

/** GET `/api/whatsapp/sessions/{session_id}/qr` */
export function sessionsQr(services: Services): RouterRoute {
  return route({
    method: 'get',
    path: `${SESSION_PATH}/qr`,
    tag: 'Linking',
    summary: 'The QR to scan; with wait, holds until there is one',
    params: sessionParams,
    query: qrQuerySchema.extend(workspaceField),
    responses: {
      200: {
        description: 'The QR',
        schema: qrSchema,
        contentTypes: ['image/png', 'image/svg+xml', 'text/plain'],
      },
      409: { description: 'not_awaiting_qr: the session is linked, or is not started' },
    },
    handle(exchange) {
      const { format, wait } = exchange.query;
      return callSession(services, exchange, {
        method: 'GET',
        path: `/qr${queryText({ format, wait })}`,
        repeatable: true,
        patience: (wait + 30) * 1000,
      });
    },
  });
}
