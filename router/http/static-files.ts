import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import express, { type Express, type RequestHandler, type Response } from 'express';
// Not the package's main file: that one loads the whole interface into this process.
import swaggerUiPath from 'swagger-ui-dist/absolute-path.js';

/** What a page of ours may load: its own files, and images it was given as data (QR). No inline script or style, no other host. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The API's browser sets styles on elements, which needs more; its scripts are held to the same. */
const DOCS_POLICY = PAGE_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'");

/** Files of swagger-ui that the API's browser loads. */
const DOCS_FILES = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'] as const;

const DOCS_PAGE = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Wharf: the API</title>
  <link rel="icon" href="/docs/favicon-32x32.png">
  <link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
  <div id="api"></div>
  <script src="/docs/swagger-ui-bundle.js"></script>
  <script src="/docs/start.js"></script>
</body>
</html>
`;

const DOCS_START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', deepLinking: true, persistAuthorization: false, tryItOutEnabled: true });
`;

/** Headers that every answer carries, pages and API alike. */
export const commonHeaders: RequestHandler = (_request, response, next) => {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  next();
};

/** `/docs`: the API's browser, from swagger-ui's own package, no other host needed. */
export function mountDocs(app: Express): void {
  const root = swaggerUiPath();
  app.get('/docs', (_request, response) => sendPage(response, DOCS_POLICY, 'html', DOCS_PAGE));
  app.get('/docs/start.js', (_request, response) => sendPage(response, DOCS_POLICY, 'js', DOCS_START));
  for (const name of DOCS_FILES) {
    app.get(`/docs/${name}`, async (_request, response) => {
      const type = name.slice(name.lastIndexOf('.') + 1);
      response.setHeader('Cache-Control', 'public, max-age=3600');
      response.type(type).send(await readFile(join(root, name)));
    });
  }
}

/** `/`: the web page's files. They are asked for anew each time, and sent only when they changed. */
export function mountWebPage(app: Express, directory: string): void {
  app.use(
    express.static(directory, {
      index: 'index.html',
      redirect: false,
      cacheControl: false,
      setHeaders: (response) => {
        response.setHeader('Content-Security-Policy', PAGE_POLICY);
        response.setHeader('Cache-Control', 'no-cache');
      },
    }),
  );
}

function sendPage(response: Response, policy: string, type: string, text: string): void {
  response.setHeader('Content-Security-Policy', policy);
  response.setHeader('Cache-Control', 'no-cache');
  response.type(type).send(text);
}
