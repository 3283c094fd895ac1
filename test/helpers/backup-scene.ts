import { afterAll, beforeAll, beforeEach } from 'vitest';
import { FakeBackupService } from './fake-backup-service.ts';
import { ADMIN_KEY, startFleet, type TestFleet } from './router.ts';
import { type Ran, runWharf, type TerminalOptions } from './terminal.ts';

/** A fleet with its router and a {@link FakeBackupService}, while tests run. */
export interface BackupScene {
  readonly fleet: TestFleet;
  /** Asked nothing yet, and with no answers, at each test's beginning. */
  readonly service: FakeBackupService;
  /** Runs a command against the fleet's real router, as its admin, at half past nine on 22 November 2026 (UTC). */
  wharf(words: string[], options?: TerminalOptions): Promise<Ran>;
}

const now = new Date('2026-11-22T09:30:00Z');

/** Call where a test file begins: one fleet for its tests. */
export function useBackupScene(): BackupScene {
  let fleet: TestFleet;
  let service: FakeBackupService;
  beforeAll(async () => {
    fleet = await startFleet();
    service = await new FakeBackupService(fleet.redis.url, fleet.token).start();
  });
  afterAll(async () => {
    await service.stop();
    await fleet.close();
  });
  beforeEach(() => service.reset());
  return {
    get fleet() {
      return fleet;
    },
    get service() {
      return service;
    },
    wharf: (words, options = {}) =>
      runWharf(words, { now, ...options, env: { WHARF_URL: fleet.url, WHARF_API_KEY: ADMIN_KEY } }),
  };
}
