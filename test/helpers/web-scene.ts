import { rm } from 'node:fs/promises';
import type { Browser } from 'puppeteer-core';
import { afterAll, beforeAll } from 'vitest';
import type { SessionStatus } from '../../fleet/records.ts';
import type { RouterConfig } from '../../router/config.ts';
import type { Router } from '../../router/context.ts';
import { aBackupList } from './backup-values.ts';
import { Dashboard } from './dashboard.ts';
import { eventually } from './eventually.ts';
import { FakeBackupService } from './fake-backup-service.ts';
import type { FakeInstance } from './fake-instance.ts';
import { ADMIN_KEY, startFleet, type TestFleet } from './router.ts';
import { buildWebPage, openBrowser } from './web-page.ts';

/** A fleet of fakes whose web page a browser shows, while tests run. Its instances are for the tests to add. */
export interface WebScene {
  readonly fleet: TestFleet;
  /** It has no backup, no operation and no restore, until a test says otherwise. */
  readonly service: FakeBackupService;
  /** Serves the page as its sources are now; another router than the one that `fleet.ask` asks. */
  readonly router: Router;
  /** Where the page is. */
  readonly url: string;
  /** Another router that serves the page. */
  serve(changes?: Partial<RouterConfig>): Promise<Router>;
  /** Waits until the page's router has judged so many instances to be healthy: until then it moves nothing to them. */
  judged(count: number): Promise<void>;
  /** Opens the page, not signed in. Close it, or {@link Dashboard.closeClean}. */
  open(width?: number): Promise<Dashboard>;
  /** Makes a session by the API, and brings it to a status. @param instance that gets it */
  createSession(
    instance: FakeInstance,
    workspace: string,
    session: string,
    status?: SessionStatus,
  ): Promise<void>;
}

/** Call where a test file begins: one fleet and one browser for its tests. @param changes of all its routers */
export function useWebScene(changes: Partial<RouterConfig> = {}): WebScene {
  let directory: string;
  let fleet: TestFleet;
  let service: FakeBackupService;
  let browser: Browser;
  let closeBrowser: () => Promise<void>;
  let router: Router;
  let url: string;
  const serve = (more: Partial<RouterConfig> = {}) => fleet.addRouter(more, { webDirectory: directory });
  beforeAll(async () => {
    directory = await buildWebPage();
    fleet = await startFleet(changes);
    service = await new FakeBackupService(fleet.redis.url, fleet.token).start();
    service.answer('list', { body: aBackupList() });
    service.answer('operations', { body: { operations: [] } });
    service.answer('restores', { body: { restores: [] } });
    ({ browser, close: closeBrowser } = await openBrowser());
    router = await serve();
    url = router.server.url;
  });
  afterAll(async () => {
    await closeBrowser?.();
    await service?.stop();
    await fleet?.close();
    if (directory) await rm(directory, { recursive: true, force: true });
  });
  return {
    get fleet() {
      return fleet;
    },
    get service() {
      return service;
    },
    get router() {
      return router;
    },
    get url() {
      return url;
    },
    serve,
    judged: async (count) => {
      await eventually(async () => {
        const answer = await fetch(`${url}/api/fleet`, { headers: { 'x-api-key': ADMIN_KEY } });
        const { instances } = (await answer.json()) as { instances: { verdict?: string }[] };
        return instances.filter(({ verdict }) => verdict === 'healthy').length === count;
      }, 60_000);
    },
    open: (width) => Dashboard.open(browser, url, width),
    createSession: async (instance, workspace, session, status = 'ready') => {
      await fleet.ask('POST', '/api/whatsapp/sessions', {
        body: { workspace_id: workspace, session_id: session },
      });
      await instance.setStatus(workspace, session, status);
    },
  };
}
