import type { ServerResponse } from 'node:http';

/** Answers with a problem document. */
export function refuse(response: ServerResponse, status: number, code: string): true {
  const problem = {
    type: `urn:wharf:error:${code}`,
    title: code,
    status,
    detail: `the fake says ${code}`,
    code,
    request_id: 'fake',
  };
  response.writeHead(status, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify(problem));
  return true;
}
