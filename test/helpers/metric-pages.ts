import { Registry } from 'prom-client';
import { onTestFinished } from 'vitest';
import { BackupMetrics } from '../../backup/metrics.ts';
import { addBuildInfo } from '../../common/process-metrics.ts';
import { HousekeepingMetrics } from '../../instance/housekeeping/housekeeping-metrics.ts';
import { InstanceApi } from '../instance/helpers/instance-api.ts';
import { startFleet } from './router.ts';

/** The pages of `/metrics`, of a test's own processes. */
export interface MetricPages {
  router: string;
  instance: string;
  backup: string;
}

/** Reads the metrics of a router, an instance and a backup service; within a test. */
export async function metricPages(): Promise<MetricPages> {
  const fleet = await startFleet();
  onTestFinished(() => fleet.close());
  const instance = await InstanceApi.start();
  onTestFinished(() => instance.close());
  const housekeeping = new Registry();
  new HousekeepingMetrics(housekeeping, {
    memory: () => [],
    limit: 0,
    restarts: () => ({ due: 0, isHeld: false }),
    inactive: () => 0,
  });
  const backup = new BackupMetrics({
    leads: () => true,
    running: () => false,
    lastSuccess: () => 0,
    verified: () => null,
    unverifiedSince: () => null,
    now: () => 0,
  });
  addBuildInfo(backup.registry, { component: 'backup', version: '0.0.0' });
  return {
    router: (await fleet.ask('GET', '/metrics', { key: null })).text,
    instance: `${(await instance.ask('GET', '/metrics', undefined, {})).text}${await housekeeping.metrics()}`,
    backup: await backup.text(),
  };
}

/** The names of the metrics on a page; those of every process of Node (`process_`, `nodejs_`) left out where `own` is asked for. */
export function namesOn(page: string, own = false): Set<string> {
  const names = [...page.matchAll(/^# TYPE (\w+)/gm)].map(([, name = '']) => name);
  return new Set(own ? names.filter((name) => name.startsWith('wharf_')) : names);
}

/** What a query may ask for of these pages: with what a histogram is made of. */
export function queryableNames(page: string): Set<string> {
  const names = new Set<string>();
  for (const [, name = '', type] of page.matchAll(/^# TYPE (\w+) (\w+)/gm)) {
    if (type === 'histogram') for (const part of ['_bucket', '_sum', '_count']) names.add(`${name}${part}`);
    else names.add(name);
  }
  return names;
}
