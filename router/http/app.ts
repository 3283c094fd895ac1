import type { Express } from 'express';
import { createApp, finishApp, mountRoutes } from '../../common/http/app.ts';
import type { Logger } from '../../common/logger.ts';
import { ANYONE, authenticate, type Principal } from '../principal.ts';
import type { Services } from '../services.ts';
import { showsTicket } from './events.stream.ts';
import { allRoutes } from './routes.ts';
import { commonHeaders, mountDocs, mountWebPage } from './static-files.ts';

/** Bytes of a body where a route does not say otherwise; none but messages needs more. */
const BODY_LIMIT = 64 * 1024;

/**
 * The router's HTTP app: API, its description and browser, and the web page.
 *
 * @param webDirectory where the page's files are
 */
export function routerApp(services: Services, log: Logger, webDirectory: string): Express {
  const onAnswer = services.metrics.answered.bind(services.metrics);
  const app = createApp(log, onAnswer, services.tracer);
  app.use(commonHeaders);
  mountRoutes<Principal>(app, allRoutes(services), {
    log,
    bodyLimit: BODY_LIMIT,
    authenticate: (request, access) =>
      showsTicket(request) ? ANYONE : authenticate(services.keys, request, access),
    anyone: ANYONE,
    onAnswer,
  });
  mountDocs(app);
  mountWebPage(app, webDirectory);
  finishApp(app, log);
  return app;
}
