import type { CanaryReport, CheckResult } from '../../instance/canary/canary-client.ts';

/** What is another than in an earlier run. */
export interface CanaryChanges {
  /** Versions that changed: which, from what to what. */
  versions: { name: string; before: string | null; now: string | null }[];
  /** Checks that came out otherwise. `before` null: it was not made then. */
  checks: { id: string; before: CheckResult['status'] | null; now: CheckResult['status'] }[];
}

/** What changed from one run to the next. Checks that were skipped in one of them tell nothing. Pure. */
export function compareReports(before: CanaryReport, now: CanaryReport): CanaryChanges {
  const names = Object.keys(now.versions) as (keyof CanaryReport['versions'])[];
  const known = new Map(before.checks.map((check) => [check.id, check.status]));
  return {
    versions: names.flatMap((name) =>
      before.versions[name] === now.versions[name]
        ? []
        : [{ name, before: before.versions[name], now: now.versions[name] }],
    ),
    checks: now.checks.flatMap(({ id, status }) => {
      const then = known.get(id) ?? null;
      const isSame = then === status || then === 'skipped' || status === 'skipped';
      return isSame || (then === null && status === 'ok') ? [] : [{ id, before: then, now: status }];
    }),
  };
}
