import { describe, expect, it, onTestFinished } from 'vitest';
import type { SessionRecord } from '../../../fleet/records.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { KEY, markOf, RESTORE, RestoreBench } from './restore-bench.ts';

async function bench(): Promise<RestoreBench> {
  const made = new RestoreBench(await temporaryDirectory());
  onTestFinished(() => made.close());
  return made;
}

/** The record that `wharf import` writes. */
const record: SessionRecord = {
  version: 1,
  workspace_id: '7',
  session_id: 'main',
  account_id: 'crm',
  proxy: null,
  should_run: true,
  linked: true,
  phone_number: null,
  generation: 1,
  created_at: '2026-11-22T09:30:00.000Z',
  last_error: null,
};

describe('an import at the owner', () => {
  it('makes a linked session in a workspace that nobody owned, and tells of no restore', async () => {
    const made = await bench();
    await made.prepare(record, 'plain', { origin: 'import' });
    const { session, trash } = await made.restores.restore(KEY, true);
    await eventually(() => made.started.at(-1) === 'plain');
    expect(session).toMatchObject({ session_id: 'main', account_id: 'crm' });
    expect(trash).toBeNull();
    expect(await made.record()).toMatchObject({
      linked: true,
      link_id: expect.stringMatching(/^[0-9a-f]{24}$/),
    });
    expect(made.told).toEqual([]);
    // Asked again, since the answer was lost: the same, and nothing is started anew.
    expect((await made.restores.restore(KEY, false)).session).toMatchObject({ session_id: 'main' });
    expect(made.started.filter((mark) => mark === 'plain')).toHaveLength(1);
  });

  it('takes no session its place, linked or not, and stops none for it', async () => {
    const made = await bench();
    await made.link('now');
    const running = made.started.length;
    await made.prepare(record, 'plain', { origin: 'import' });
    await expect(made.restores.restore(KEY, false)).rejects.toMatchObject({
      code: 'session_exists',
      message: expect.stringContaining('there already and linked'),
    });
    expect(made.started).toHaveLength(running);
    expect(made.clients.running).toBe(1);
    expect(await markOf(made.profile())).toBe('now');
  });

  it('that is to replace puts what was there into the trash, with what it takes to undo it', async () => {
    const made = await bench();
    await made.link('now');
    await made.prepare(record, 'plain', { origin: 'import', forced: true });
    const { trash } = await made.restores.restore(KEY, false);
    await eventually(() => made.started.at(-1) === 'plain');
    expect(await made.inTrash(trash)).toBe('now');
    expect(await made.record()).toMatchObject({ account_id: 'crm', linked: true });
    await made.undos.undo({ ...KEY, restore: RESTORE }, false);
    await eventually(() => made.started.at(-1) === 'now');
    expect(await made.record()).toMatchObject({ account_id: null });
  });
});
