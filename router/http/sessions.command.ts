import { z } from 'zod';
import { sessionDetailSchema } from '../../fleet/records.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { callSession, SESSION_PATH, sessionParams, workspaceQuery } from './session-call.ts';

/** What a session can be told, what that does, and whether telling it twice is as good as once. */
const COMMANDS = {
  start: { summary: 'Starts a session that was stopped', repeatable: true },
  stop: { summary: 'Closes the browser; the session stays linked', repeatable: true },
  restart: { summary: 'Closes the browser and starts it again', repeatable: false },
  logout: {
    summary: 'Unlinks the device; the session stays, and asks for a QR when it is started',
    repeatable: false,
  },
  keep: {
    summary: 'Keeps a session however long nobody uses it: it is not warned of, stopped or deleted for that',
    repeatable: true,
  },
  unkeep: { summary: 'Treats a session as all others again when nobody uses it', repeatable: true },
} as const;

/** POST `/api/whatsapp/sessions/{session_id}/start`, `stop`, `restart`, `logout`, `keep`, `unkeep`: paths of one shape. */
export function sessionsCommand(services: Services, command: keyof typeof COMMANDS): RouterRoute {
  const { summary, repeatable } = COMMANDS[command];
  return route({
    method: 'post',
    path: `${SESSION_PATH}/${command}`,
    tag: 'Sessions',
    summary,
    params: sessionParams,
    query: workspaceQuery,
    body: z.strictObject({}),
    responses: {
      202: { description: 'It was told', schema: sessionDetailSchema },
      409: { description: 'invalid_state: the session is in a state that does not allow this' },
    },
    handle: (exchange) =>
      callSession(services, exchange, { method: 'POST', path: `/${command}`, repeatable, patience: 60_000 }),
  });
}
