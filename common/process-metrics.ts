import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/**
 * Gauges of prom-client whose names say that they count, against Prometheus' conventions (`promtool check metrics`); the same numbers stand without `_total`
 * and by type.
 */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/**
 * What every process of Node shows, by the names that all programs use (`process_cpu_seconds_total`, `nodejs_eventloop_lag_seconds` ...): which process it is
 * says the label `job`, so that one panel does for all.
 */
export function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
}

/** What a process is a build of, as `wharf_build_info`. */
export interface BuildInfo {
  component: 'router' | 'instance' | 'backup';
  /** Wharf's version. */
  version: string;
  /** The browsers' version, where there are any. */
  chromium?: string;
}

/** Shows which version runs: always 1, with what there is to know as labels. */
export function addBuildInfo(registry: Registry, { component, version, chromium = '' }: BuildInfo): void {
  new Gauge({
    name: 'wharf_build_info',
    help: '1, labelled with the versions of this process',
    labelNames: ['component', 'version', 'node', 'chromium'],
    registers: [registry],
  }).set({ component, version, node: process.versions.node, chromium }, 1);
}
