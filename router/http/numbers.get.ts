import { z } from 'zod';
import { numberSchema } from '../../fleet/messages.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { callSession, SESSION_PATH, sessionParams, workspaceQuery } from './session-call.ts';

const numberParams = sessionParams.extend({
  phone: z
    .string()
    .regex(/^\+?\d{7,15}$/, 'must be 7 to 15 digits')
    .transform((digits) => digits.replace('+', '')),
});

/** GET `/api/whatsapp/sessions/{session_id}/numbers/{phone}` */
export function numbersGet(services: Services): RouterRoute {
  return route({
    method: 'get',
    path: `${SESSION_PATH}/numbers/:phone`,
    tag: 'Reads',
    summary: 'Whether a phone number is on WhatsApp',
    params: numberParams,
    query: workspaceQuery,
    responses: { 200: { description: 'What WhatsApp says', schema: numberSchema } },
    handle: (exchange) =>
      callSession(services, exchange, {
        method: 'GET',
        path: `/numbers/${exchange.params.phone}`,
        repeatable: true,
        needsReady: true,
      }),
  });
}
