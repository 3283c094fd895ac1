import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import type { BackupConfig } from './config.ts';
import type { BackupEvents } from './events.ts';
import type { Exporter } from './export/exporter.ts';
import type { Instances } from './fleet/instances.ts';
import type { Leadership } from './fleet/leadership.ts';
import type { SessionsOnStorage } from './fleet/sessions-on-storage.ts';
import type { Catalog } from './manifest/manifest.ts';
import type { Summaries } from './manifest/summaries.ts';
import type { BackupMetrics } from './metrics.ts';
import type { Objects } from './objects/objects.ts';
import type { Operations } from './operations.ts';
import type { Pruner } from './prune/pruner.ts';
import type { Restorer } from './restore/restorer.ts';
import type { Distrusted } from './run/distrusted.ts';
import type { Runs } from './run/runs.ts';
import type { ScheduleRunner } from './schedule/runner.ts';
import type { ObjectStore } from './store/object-store.ts';
import type { Verifier } from './verify/verifier.ts';

/** What the routes of the backup service stand on. */
export interface Services {
  config: BackupConfig;
  clock: Clock;
  log: Logger;
  /** Whether this service is the one that makes the backups. */
  leadership: Leadership;
  operations: Operations;
  store: ObjectStore;
  objects: Objects;
  catalog: Catalog;
  summaries: Summaries;
  /** Objects that the next run puts again. */
  distrusted: Distrusted;
  storage: SessionsOnStorage;
  instances: Instances;
  runs: Runs;
  restorer: Restorer;
  verifier: Verifier;
  pruner: Pruner;
  exporter: Exporter;
  schedule: ScheduleRunner;
  events: BackupEvents;
  metrics: BackupMetrics;
}
