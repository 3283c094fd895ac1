import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Fleet, QueueTotals, Webhook } from '../../router/web/api/types.ts';
import { alarmsOf, type Sources } from '../../router/web/state/alarms.ts';
import { parseRoute, routeHash } from '../../router/web/state/route.ts';
import { chosenTheme, showTheme } from '../../router/web/state/theme.ts';
import { aBackup, aBackupList, anOperation } from '../helpers/backup-values.ts';

const NOW = Date.parse('2026-11-22T10:00:00Z');

function aFleet(changes: Partial<Fleet> = {}): Fleet {
  return {
    instances: [],
    sessions: 0,
    redis: { ok: true },
    router: 'r-1',
    leader: 'r-1',
    frozen: null,
    waiting: { total: 0, workspaces: [] },
    quarantined: [],
    alarms: [],
    ...changes,
  };
}

const queues = (stuck: number): QueueTotals => ({
  queues: 5,
  by_state: { stuck },
  depth: 1,
  oldest_at: null,
  sent_last_minute: 0,
  failed: 0,
});

const dead: Fleet['instances'][number] = {
  id: 'instance-1',
  status: 'gone',
  sessions: 3,
  by_status: {},
  workspaces: 2,
  away: 0,
  unclaimed: 0,
  verdict: 'dead',
  verdict_reason: 'lease gone for 3.0 s',
};

const aWebhook = (changes: Partial<Webhook>): Webhook => ({
  workspace_id: 7,
  url: 'https://receiver.example/',
  state: 'delivering',
  pending: 0,
  oldest_pending_at: null,
  set_aside: 0,
  dead_letters: 0,
  last_taken_at: null,
  next_try_at: null,
  last_failure: null,
  ...changes,
});

const backups = { list: aBackupList({ last_success: '2026-11-22T09:30:00Z' }), operations: [], restores: [] };
const well: Sources = { fleet: aFleet(), queues: queues(0), webhooks: [], backups, backupsFault: null };
const ids = (changes: Partial<Sources>) => alarmsOf({ ...well, ...changes }, NOW).map(({ id }) => id);

describe('alarms of the dashboard', () => {
  it('are none where all is well, or nothing is known', () => {
    expect(ids({})).toEqual([]);
    expect(
      alarmsOf({ fleet: null, queues: null, webhooks: null, backups: undefined, backupsFault: null }, NOW),
    ).toEqual([]);
  });

  it.each<[string, Partial<Sources>, string[]]>([
    [
      'Redis is away, and no router can lead then',
      { fleet: aFleet({ redis: { ok: false }, leader: null }) },
      ['redis'],
    ],
    ['an instance is dead', { fleet: aFleet({ instances: [dead] }) }, ['instances']],
    [
      'an instance is lost, once where all is frozen',
      { fleet: aFleet({ instances: [dead], frozen: { instances: ['instance-1'], limit: 1 } }) },
      ['frozen'],
    ],
    ['no router leads', { fleet: aFleet({ leader: null }) }, ['leader']],
    ['a queue is stuck', { queues: queues(2) }, ['queues']],
    ['a webhook is disabled', { webhooks: [aWebhook({ state: 'disabled' })] }, ['webhooks']],
    ['events were given up', { webhooks: [aWebhook({ dead_letters: 3 })] }, ['dead-letters']],
    ['the backup service is away', { backups: undefined, backupsFault: 'gone' }, ['backup-service']],
    [
      'the last backup is older than 90 minutes',
      { backups: { ...backups, list: aBackupList({ last_success: '2026-11-22T08:29:00Z' }) } },
      ['backup-old'],
    ],
    [
      'the last run failed, whatever was verified since',
      {
        backups: {
          ...backups,
          operations: [anOperation({ kind: 'verify', state: 'done' }), anOperation({ state: 'failed' })],
        },
      },
      ['backup-failed'],
    ],
    [
      'a backup is damaged',
      { backups: { ...backups, list: { ...backups.list, backups: [aBackup({ state: 'damaged' })] } } },
      ['backup-damaged'],
    ],
  ])('say that %s', (_what, sources, expected) => {
    expect(ids(sources)).toEqual(expected);
  });

  it('offer the way out of a freeze, and say of it once', () => {
    const fleet = aFleet({
      frozen: { instances: ['instance-1', 'instance-2'], limit: 1 },
      alarms: [{ kind: 'mass_failure', text: 'x' }],
      waiting: { total: 2, workspaces: [] },
    });
    const [alarm, ...others] = alarmsOf({ ...well, fleet }, NOW);
    expect(alarm?.button?.operation).toEqual({ kind: 'unfreeze', instances: ['instance-1', 'instance-2'] });
    expect(others).toEqual([]);
  });

  it('come with advice, also of a kind that a newer router made up; the worst first', () => {
    const fleet = aFleet({
      alarms: [
        { kind: 'no_reserve', text: 'one' },
        { kind: 'made_up', text: 'two' },
      ],
    });
    const alarms = alarmsOf({ ...well, fleet }, NOW);
    expect(alarms.map(({ id, tone }) => [id, tone])).toEqual([
      ['made_up', 'bad'],
      ['no_reserve', 'attention'],
    ]);
    for (const { advice } of alarms) expect(advice).not.toBe('');
  });

  it('name parts of the runbook that are there', async () => {
    const runbook = await readFile(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
    const parts = [...runbook.matchAll(/^## (.+)$/gm)].map(([, name]) => name);
    const kinds = ['no_capacity', 'no_reserve', 'not_claimed', 'quarantined', 'instance_lost'];
    const frozen = { instances: ['instance-1'], limit: 1 };
    const alarms = [
      aFleet({ alarms: kinds.map((kind) => ({ kind, text: '' })), waiting: { total: 1, workspaces: [] } }),
      aFleet({ frozen, redis: { ok: false } }),
    ].flatMap((fleet) =>
      alarmsOf(
        {
          fleet,
          queues: queues(1),
          webhooks: [aWebhook({ state: 'disabled', dead_letters: 1 })],
          backups: {
            list: aBackupList({ backups: [aBackup({ state: 'damaged' })] }),
            operations: [anOperation({ state: 'failed' })],
            restores: [],
          },
          backupsFault: null,
        },
        NOW,
      ),
    );
    const named = alarms.flatMap(({ runbook }) => runbook ?? []);
    expect(new Set(alarms.map(({ id }) => id)).size).toBeGreaterThanOrEqual(13);
    expect(named.filter((name) => !parts.includes(name))).toEqual([]);
  });
});

describe('addresses on the dashboard', () => {
  it('come back as they were, whatever is in them', () => {
    const hash = routeHash('sessions', ['7', 'a/b'], { q: '+49 170', status: '' });
    expect(hash).toBe('#/sessions/7/a%2Fb?q=%2B49+170');
    expect(parseRoute(hash)).toEqual({ view: 'sessions', open: ['7', 'a/b'], query: { q: '+49 170' } });
  });

  it.each(['', '#', '#/nonsense/7', '#key=wharf_x', '#/%E0%A4%A/x'])(
    'lead to the first view where they are none: %s',
    (hash) => {
      expect(parseRoute(hash).view).toBe('fleet');
      expect(parseRoute(hash, ['sessions', 'events']).view).toBe('sessions');
    },
  );

  it('are read also where a part cannot be decoded', () => {
    expect(parseRoute('#/sessions/7/%E0%A4%A').open).toEqual(['7', '%E0%A4%A']);
  });
});

describe('the theme', () => {
  it('is kept where the browser keeps anything, and nothing breaks where it does not', () => {
    const kept = new Map<string, string>();
    const storage = () => ({
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
    });
    const denied = (): never => {
      throw new Error('denied');
    };
    const root: { dataset: Record<string, string> } = { dataset: {} };
    expect(chosenTheme(storage)).toBe('auto');
    showTheme('dark', root, storage);
    expect(root.dataset['theme']).toBe('dark');
    expect(chosenTheme(storage)).toBe('dark');
    showTheme('auto', root, denied);
    expect(root.dataset['theme']).toBeUndefined();
    expect(chosenTheme(denied)).toBe('auto');
  });
});
