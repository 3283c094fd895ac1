import { openApiDocument } from '../openapi/document.ts';
import { type RouterRoute, route } from '../services.ts';

/**
 * GET `/openapi.json`
 *
 * @param described the routes it tells of; asked for when the first caller comes, since this one is among them
 */
export function openApiGet(described: () => readonly RouterRoute[]): RouterRoute {
  let text: string | undefined;
  return route({
    method: 'get',
    path: '/openapi.json',
    tag: 'Operations',
    summary: 'This API, as OpenAPI 3.1',
    access: 'open',
    responses: { 200: { description: 'The document' } },
    handle() {
      text ??= JSON.stringify(openApiDocument(described()));
      return {
        body: text,
        headers: { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-cache' },
      };
    },
  });
}
