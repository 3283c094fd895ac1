import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { problemSchema } from '../../common/problem.ts';
import type { RouterRoute } from '../services.ts';

/** The version of the HTTP API: it follows its own changes, not those of the program. */
const API_VERSION = '1.0.0';

const INTRODUCTION = `Keeps WhatsApp sessions linked, and sends and reads through them.

Workspace ids are whole numbers or words; \`7\` and \`"7"\` are one. Times are ISO 8601 in UTC. Errors are problem documents (RFC 9457) with a stable \`code\`,
and \`retry_after\` in seconds where trying again may help.`;

/** The OpenAPI 3.1 document of routes, made from the schemas that check their requests. */
export function openApiDocument(routes: readonly RouterRoute[]) {
  const paths: ZodOpenApiPathsObject = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method]: operationOf(route) };
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Wharf',
      version: API_VERSION,
      description: INTRODUCTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: [...new Set(routes.map((route) => route.tag))].map((name) => ({ name })),
    security: [{ bearer: [] }, { key: [] }],
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key' },
        key: { type: 'apiKey', in: 'header', name: 'X-Api-Key', description: 'An API key' },
      },
    },
    paths,
  });
}

function operationOf(route: RouterRoute): ZodOpenApiOperationObject {
  const body = route.bodyShape ?? route.body;
  const parameters = {
    ...(route.params instanceof z.ZodObject ? { path: route.params } : {}),
    ...(route.query instanceof z.ZodObject ? { query: route.query } : {}),
    ...(route.headers === undefined ? {} : { header: headersOf(route.headers) }),
  };
  const empty = route.body instanceof z.ZodObject && Object.keys(route.body.shape).length === 0;
  return {
    operationId: operationId(route),
    summary: route.summary,
    tags: [route.tag],
    ...(route.deprecated ? { deprecated: true } : {}),
    ...(route.access === 'open' ? { security: [] } : {}),
    ...(route.access === 'admin' ? { description: 'Takes an admin key.' } : {}),
    requestParams: parameters,
    ...(body === undefined
      ? {}
      : { requestBody: { required: !empty, content: { 'application/json': { schema: body } } } }),
    ...(route.rawBody === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            description: route.rawBody,
            content: { '*/*': { schema: { type: 'string', format: 'binary' } } },
          },
        }),
    responses: responsesOf(route),
  };
}

function headersOf(headers: Readonly<Record<string, string>>): z.ZodObject {
  return z.object(
    Object.fromEntries(
      Object.entries(headers).map(([name, does]) => [name, z.string().optional().describe(does)]),
    ),
  );
}

function responsesOf(route: RouterRoute): ZodOpenApiOperationObject['responses'] {
  const problem = { content: { 'application/problem+json': { schema: problemSchema } } };
  const responses: ZodOpenApiOperationObject['responses'] = {};
  for (const [status, { description, schema, contentTypes }] of Object.entries(route.responses)) {
    const others = Object.fromEntries((contentTypes ?? []).map((type) => [type, { schema: z.string() }]));
    const content = { ...(schema === undefined ? {} : { 'application/json': { schema } }), ...others };
    const known = Number(status) < 400 ? { content } : problem;
    responses[status as '200'] = { description, ...known };
  }
  return { ...responses, default: { description: 'Anything else that went wrong', ...problem } };
}

/** `get_whatsapp_sessions_by_session_id`: stable, since it follows from method and path. */
function operationId(route: RouterRoute): string {
  const words = route.path.split('/').filter((part) => part !== '' && part !== 'api');
  return [route.method, ...words.map((word) => word.replace(/^:/, 'by_').replace(/\W/g, '_'))].join('_');
}
