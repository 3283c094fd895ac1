import { ADOPT_HEADER, INTERNAL_TOKEN_HEADER, instanceSessionPath } from '../../fleet/instance-api.ts';

/** An instance, and a session of it. */
export interface SessionAt {
  url: string;
  token: string;
  /** Default: 7. */
  workspace?: string;
  /** Default: main. */
  session?: string;
}

/** Asks an instance of a session as routers do; it may claim the workspace. `path` is what comes after the session's. */
export async function askSession(
  { url, token, workspace = '7', session = 'main' }: SessionAt,
  method: string,
  path = '',
  body?: object,
): Promise<Response> {
  return await fetch(`${url}${instanceSessionPath(workspace, session)}${path}`, {
    method,
    headers: {
      [INTERNAL_TOKEN_HEADER]: token,
      [ADOPT_HEADER]: 'first',
      'content-type': 'application/json',
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
}
