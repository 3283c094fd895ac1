import { describe, expect, it } from 'vitest';
import { itemKey, type PlanFacts, planImport } from '../../../cli/import/plan.ts';
import { foundProfile } from './plain-profile.ts';

const profile = foundProfile();
const target = { workspace: '7', session: 'shop' };
const key = itemKey(profile.directory, target);

function planOf(changes: Partial<PlanFacts> = {}) {
  return planImport({
    profiles: [profile],
    mapping: { workspace: '7' },
    uses: new Map(),
    stopped: false,
    imported: new Set(),
    ordered: new Set(),
    present: new Map(),
    replace: false,
    chromium: ['156.0.8078.79'],
    ...changes,
  });
}

/** What is planned for the one profile, and why it is refused. */
function one(changes: Partial<PlanFacts> = {}) {
  const [item] = planOf(changes);
  return [item?.action, item?.refusal ?? ''] as const;
}

describe('what an import does with a profile', () => {
  it('makes it a session of the workspace, named by its client id, or as the mapping says', () => {
    expect(planOf()[0]).toMatchObject({ action: 'import', target: { ...target, account: null } });
    const mapping = [{ client_id: 'shop', workspace_id: 'acme', session_id: 'sales', account_id: 'crm' }];
    expect(planOf({ mapping })[0]).toMatchObject({
      action: 'import',
      target: { workspace: 'acme', session: 'sales', account: 'crm', proxy: null },
    });
  });

  it('leaves what the mapping does not name, and refuses a mapping that names what is not there', () => {
    const other = foundProfile({ clientId: 'other', directory: '/srv/session-other' });
    const mapping = [{ client_id: 'shop', workspace_id: '7' }];
    expect(planOf({ profiles: [profile, other], mapping }).map(({ action }) => action)).toEqual([
      'import',
      'unmapped',
    ]);
    expect(() => planOf({ mapping: [...mapping, { client_id: 'gone', workspace_id: '7' }] })).toThrow(
      'names gone',
    );
  });

  it('refuses one that is in use, whatever is said of locks', () => {
    const uses = new Map([[profile.directory, { kind: 'in_use', pid: 4711 } as const]]);
    expect(one({ uses })).toEqual(['refused', expect.stringContaining('process 4711')]);
    expect(one({ uses, stopped: true, replace: true })[0]).toBe('refused');
  });

  it('refuses one that another machine has locked, until somebody says that it has ended there', () => {
    const uses = new Map([[profile.directory, { kind: 'locked_elsewhere', host: 'old-1' } as const]]);
    expect(one({ uses })).toEqual(['refused', expect.stringContaining('--stopped')]);
    expect(one({ uses, stopped: true })[0]).toBe('import');
  });

  it('refuses one that was never used, or whose id is none of a session', () => {
    expect(one({ profiles: [foundProfile({ wasUsed: false })] })[0]).toBe('refused');
    const clientId = 's'.repeat(65);
    expect(one({ profiles: [foundProfile({ clientId })] })).toEqual([
      'refused',
      expect.stringContaining('name another in a mapping'),
    ]);
  });

  it('refuses one that a newer Chromium opened than any instance has', () => {
    const profiles = [foundProfile({ chromium: '156.0.8078.100' })];
    expect(one({ profiles })).toEqual(['refused', expect.stringContaining('156.0.8078.100')]);
    expect(one({ profiles, chromium: ['156.0.8078.79', '156.0.8078.100'] })[0]).toBe('import');
    expect(one({ profiles: [foundProfile({ chromium: '99.0.1.1' })] })[0]).toBe('import');
  });

  it('takes the place of a session only where that is asked for', () => {
    const present = new Map([['7/shop', 'ready']]);
    expect(one({ present })).toEqual(['refused', expect.stringContaining('--replace')]);
    expect(one({ present, replace: true })[0]).toBe('replace');
  });

  it('is done with what was imported before, also where it is to be replaced, and goes on with what was ordered', () => {
    const present = new Map([['7/shop', 'ready']]);
    expect(one({ imported: new Set([key]), present, replace: true })[0]).toBe('done');
    expect(one({ ordered: new Set([key]), present })[0]).toBe('replace');
  });

  it('refuses all that would become one session, also where one is it already, and whatever is to be replaced', () => {
    const remote = foundProfile({ directory: '/srv/.wwebjs_auth/RemoteAuth-shop' });
    const other = foundProfile({ clientId: 'other', directory: '/srv/.wwebjs_auth/session-other' });
    const profiles = [profile, remote, other];
    for (const replace of [false, true]) {
      const plan = planOf({ profiles, replace });
      expect(plan.map(({ action }) => action)).toEqual(['refused', 'refused', 'import']);
      expect(plan[0]?.refusal).toContain(remote.directory);
      expect(plan[1]?.refusal).toContain(profile.directory);
    }
    const after = {
      profiles,
      replace: true,
      imported: new Set([key]),
      present: new Map([['7/shop', 'ready']]),
    };
    expect(planOf(after).map(({ action }) => action)).toEqual(['done', 'refused', 'import']);
    const mapping = [
      { client_id: 'shop', workspace_id: '7', session_id: 'a' },
      { client_id: 'other', workspace_id: '7', session_id: 'a' },
    ];
    expect(planOf({ profiles: [profile, other], mapping }).map(({ action }) => action)).toEqual([
      'refused',
      'refused',
    ]);
  });
});
