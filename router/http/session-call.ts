import { z } from 'zod';
import type { Exchange } from '../../common/http/route.ts';
import { sessionIdSchema, workspaceIdSchema } from '../../fleet/ids.ts';
import { instanceSessionPath } from '../../fleet/instance-api.ts';
import type { Principal } from '../principal.ts';
import type { Outgoing } from '../proxy/outgoing.ts';
import { passOn } from '../proxy/pass-on.ts';
import type { Services } from '../services.ts';
import { findSession } from '../sessions/finder.ts';

/** The path of all that is about one session. */
export const SESSION_PATH = '/api/whatsapp/sessions/:session_id';

export const sessionParams = z.strictObject({ session_id: sessionIdSchema });

/** `?workspace_id=`, needed by an admin where two workspaces have a session of the id. */
export const workspaceField = {
  workspace_id: workspaceIdSchema
    .optional()
    .meta({ description: 'Needed with an admin key where more than one workspace has a session of this id' }),
};

export const workspaceQuery = z.strictObject(workspaceField);

/** How a session is asked. */
export type Call = Pick<Outgoing, 'method' | 'repeatable' | 'needsReady'> & {
  /** Path and query below the session's on the instance. */
  path: string;
  body?: unknown;
  patience?: number;
  lost?: Outgoing['lost'];
};

/** Milliseconds an answer may take to begin, where a route does not say otherwise. */
const PATIENCE = 30_000;

type SessionExchange = Pick<
  Exchange<{ session_id: string }, { workspace_id?: string | undefined }, unknown, Principal>,
  'params' | 'query' | 'principal' | 'requestId' | 'signal' | 'response'
>;

/** Finds the session a caller means, asks its instance, and streams the answer back. */
export async function callSession(
  services: Services,
  exchange: SessionExchange,
  call: Call,
): Promise<undefined> {
  const { table, follower, forwarder } = services;
  const { session_id } = exchange.params;
  const { workspace, session } = await findSession(
    table,
    follower,
    exchange.principal,
    session_id,
    exchange.query.workspace_id,
  );
  const answer = await forwarder.send({
    workspace,
    method: call.method,
    path: instanceSessionPath(workspace, session) + call.path,
    requestId: exchange.requestId,
    repeatable: call.repeatable,
    patience: call.patience ?? PATIENCE,
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    caller: exchange.signal,
    needsReady: call.needsReady === true,
    ...(call.lost === undefined ? {} : { lost: call.lost }),
  });
  return passOn(answer, exchange.response);
}

/** A query string of what is given, with its question mark. */
export function queryText(values: Record<string, string | number | undefined>): string {
  const given = Object.entries(values).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}
