import { describe, expect, it } from 'vitest';
import { BackupMetrics } from '../../backup/metrics.ts';

describe('the metrics of a backup service', () => {
  it('tell for how long not everything was found well, while it leads', async () => {
    let leads = true;
    let verified: number | null = null;
    const metrics = new BackupMetrics({
      leads: () => leads,
      running: () => false,
      lastSuccess: () => 0,
      verified: () => verified,
      unverifiedSince: () => verified ?? 1000,
      now: () => 61_000,
    });
    const told = async () => (await metrics.text()).match(/^wharf_backup_(un)?verified_.*/gm);
    expect(await told()).toEqual([
      'wharf_backup_verified_timestamp_seconds 0',
      'wharf_backup_unverified_seconds 60',
    ]);
    verified = 31_000;
    expect(await told()).toEqual([
      'wharf_backup_verified_timestamp_seconds 31',
      'wharf_backup_unverified_seconds 30',
    ]);
    leads = false;
    expect(await told()).toEqual(['wharf_backup_verified_timestamp_seconds 31']);
  });

  it('tell of the last run while it leads, and not what it once saw when another does', async () => {
    let leads = true;
    const metrics = new BackupMetrics({
      leads: () => leads,
      running: () => false,
      lastSuccess: () => 0,
      verified: () => null,
      unverifiedSince: () => null,
      now: () => 0,
    });
    metrics.ran({ seconds: 1, sessions: { copied: 3, carried: 0, missed: 2 }, bytes: 10 });
    const missed = async () =>
      (await metrics.text()).match(/^wharf_backup_sessions\{outcome="missed"\} .*/m)?.[0];
    expect(await missed()).toBe('wharf_backup_sessions{outcome="missed"} 2');
    leads = false;
    expect(await missed()).toBeUndefined();
    // It leads again: until it has run, it knows no more than before.
    leads = true;
    expect(await missed()).toBeUndefined();
    metrics.ran({ seconds: 1, sessions: { copied: 5, carried: 0, missed: 0 }, bytes: 10 });
    expect(await missed()).toBe('wharf_backup_sessions{outcome="missed"} 0');
  });
});
