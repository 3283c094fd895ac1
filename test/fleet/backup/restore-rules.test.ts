import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../../fleet/backup/restore-rules.ts';
import { aSessionRecord } from '../../helpers/backed-up-session.ts';

const NOW = aSessionRecord();
const UNLINKED = { linked: false, link_id: null, phone_number: null } as const;

describe('what speaks against a restore', () => {
  it.each([
    ['the same link', {}, {}, null],
    ['another link', {}, { link_id: 'link-2' }, 'relinked'],
    ['a link, where the copy has none', UNLINKED, {}, 'relinked'],
    ['a logout since', {}, { ...UNLINKED, link_ended: 'logged_out' }, 'logged_out'],
    ['a device that was removed since', {}, { ...UNLINKED, link_ended: 'removed' }, 'logged_out'],
    ['a profile that was lost', {}, { ...UNLINKED, link_ended: 'lost' }, null],
    ['no link on either side', UNLINKED, { ...UNLINKED, link_ended: 'removed' }, null],
    [
      'a session of the same id that was made anew',
      {},
      { created_at: '2026-11-20T00:00:00.000Z' },
      'deleted',
    ],
    ['a link that got its id after the copy', { link_id: null }, {}, null],
    [
      'another account, where the copy has no id of its link',
      { link_id: null },
      { phone_number: '49171' },
      'relinked',
    ],
  ] as const)('%s', (_what, backup, record, refusal) => {
    const present = { record: { ...NOW, ...record }, deletedSince: false };
    expect(refusalOf({ ...NOW, ...backup }, present)).toBe(refusal);
  });

  it('a link that is being made: its chats are synchronised, and no record says so yet', () => {
    const lost = { ...NOW, ...UNLINKED, link_ended: 'lost' } as const;
    expect(refusalOf(NOW, { record: lost, deletedSince: false, status: 'authenticated' })).toBe('relinked');
    expect(refusalOf(NOW, { record: lost, deletedSince: false, status: 'qr' })).toBeNull();
    // A page that loads itself anew is for a moment, too.
    expect(refusalOf(NOW, { record: NOW, deletedSince: false, status: 'authenticated' })).toBeNull();
  });

  it('a deletion that is proven; without a proof it was lost', () => {
    expect(refusalOf(NOW, { record: null, deletedSince: true })).toBe('deleted');
    expect(refusalOf(NOW, { record: null, deletedSince: false })).toBeNull();
  });
});
