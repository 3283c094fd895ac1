import { mkdir, readdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exists } from '../../../common/files.ts';
import { createLogger } from '../../../common/logger.ts';
import { FileClaims } from '../../../fleet/file-claims.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { Leftovers } from '../../../instance/housekeeping/leftovers.ts';
import { Trash } from '../../../instance/profile/trash.ts';
import { Granting } from '../../helpers/granting.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const DAY = 24 * 3_600_000;
const NOW = Date.UTC(2026, 10, 22);
const TMP = '.session.json.4711.0123456789ab.tmp';
const OLD_RESTORE = 'r-20261101T093000Z-1a2b3c';
const YOUNG_RESTORE = 'r-20261121T093000Z-1a2b3c';

/** A session path, an instance that owns workspace 7, and what clears it. */
async function scene() {
  const root = await temporaryDirectory();
  const scratch = await temporaryDirectory();
  const temporary = await temporaryDirectory();
  const paths = new SessionPaths(root);
  const claims = new FileClaims(paths);
  const { ownership } = new Granting(claims, { instance: 'instance-1', incarnation: 'a', host: 'here' });
  const own = async (workspace: string, instance = 'instance-1') => {
    await claims.create({
      workspace_id: workspace,
      epoch: 1,
      instance,
      incarnation: 'a',
      host: 'here',
      claimed_at: new Date(NOW).toISOString(),
    });
    if (instance !== 'instance-1') return;
    const until = Number(process.hrtime.bigint()) / 1e6 + DAY;
    ownership.grant({ workspace, epoch: 1, generation: 1, released: false, startAt: 0, until });
  };
  const removed: string[] = [];
  const purged: string[] = [];
  const clock = { now: () => NOW };
  const watch = { isTrusted: true };
  const leftovers = new Leftovers({
    paths,
    claims,
    ownership,
    trash: new Trash(paths, clock),
    watch: { isTrusted: async () => watch.isTrusted },
    purgeMedia: async (workspace) => purged.push(workspace),
    scratch,
    temporary,
    clock,
    log: createLogger('silent', {}),
    onRemoved: (kind) => removed.push(kind),
  });
  /** Puts a file or, where the path ends with a slash, a directory there, changed so many days ago. */
  const put = async (path: string, days: number, text = '') => {
    await mkdir(path.endsWith('/') ? path : dirname(path), { recursive: true });
    if (!path.endsWith('/')) await writeFile(path, text);
    await utimes(path, (NOW - days * DAY) / 1000, (NOW - days * DAY) / 1000);
    return path;
  };
  const clear = () => leftovers.clear(new AbortController().signal);
  return { clear, own, ownership, paths, purged, put, removed, root, scratch, temporary, watch };
}

async function left(...paths: string[]): Promise<boolean[]> {
  return await Promise.all(paths.map((path) => exists(path)));
}

describe('leftovers', () => {
  it('go by name and age: drafts and probes of processes that were killed, and nothing else', async () => {
    const { clear, own, paths, put, removed, root } = await scene();
    await own('7');
    const session = paths.session('7', 'main');
    const old = await Promise.all([
      put(join(root, '.probe-instance-1-0123abcd'), 1),
      put(join(root, '.probe-0123456789ab'), 1),
      put(join(paths.fleet(), '.internal-token.1.0123456789ab.tmp'), 2),
      put(join(paths.settings(), 'draining', TMP), 2),
      put(join(session, TMP), 2),
      put(join(paths.owners('7'), TMP), 2),
    ]);
    const kept = await Promise.all([
      put(join(root, '.probe-instance-1-99999999'), 0),
      put(join(root, '.probe-mine'), 9),
      put(join(root, 'notes.tmp'), 9),
      put(join(session, '.session-1.json.4711.0123456789ab.tmp'), 0.5),
      put(join(session, '.session.json.tmp'), 9),
      put(join(session, 'session.json'), 9),
      put(join(session, 'gen-1', TMP), 9),
      put(paths.claim('7', 1), 900),
    ]);
    await clear();
    expect(await left(...old)).toEqual(old.map(() => false));
    expect(await left(...kept)).toEqual(kept.map(() => true));
    expect(removed.sort()).toEqual(['draft', 'draft', 'draft', 'draft', 'probe', 'probe']);
  });

  it('of restores go a week after the restore, unless it goes on or is half done', async () => {
    const { clear, own, paths, put } = await scene();
    await own('7');
    const restores = paths.restores('7');
    const job = (state: string) => JSON.stringify({ version: 1, restore: { id: 'x', state } });
    const running = 'r-20261101T093000Z-aaaaaa';
    const ended = 'r-20261101T093000Z-bbbbbb';
    await put(join(paths.fleet(), 'restores', `${running}.json`), 20, job('running'));
    await put(join(paths.fleet(), 'restores', `${ended}.json`), 20, job('completed'));
    await put(join(restores, `${OLD_RESTORE}.session_half`, 'generation/'), 20);
    const gone = await Promise.all([
      put(join(restores, `${OLD_RESTORE}.session_main/`), 20),
      put(join(restores, `${ended}.session_main/`), 20),
      put(join(restores, `${OLD_RESTORE}.session_main.removed/`), 20),
    ]);
    const kept = await Promise.all([
      put(join(restores, `${YOUNG_RESTORE}.session_main/`), 20),
      put(join(restores, `${OLD_RESTORE}.session_young/`), 2),
      put(join(restores, `${running}.session_main/`), 20),
      put(join(restores, `${OLD_RESTORE}.session_half/`), 20),
      put(join(restores, 'mine/'), 90),
    ]);
    await clear();
    expect(await left(...gone)).toEqual(gone.map(() => false));
    expect(await left(...kept)).toEqual(kept.map(() => true));
  });

  it('stay in a workspace that another instance owns, or that is given up meanwhile', async () => {
    const { clear, own, ownership, paths, purged, put } = await scene();
    await own('8', 'instance-2');
    const others = await put(join(paths.session('8', 'main'), TMP), 9);
    await own('7');
    ownership.revoke('7', 1);
    const before = await put(join(paths.session('7', 'main'), TMP), 9);
    await clear();
    expect(await left(others, before)).toEqual([true, true]);
    expect(purged).toEqual([]);
  });

  it('of a workspace that was never owned are removed, its trash and the files of its messages with them', async () => {
    const { clear, paths, purged, put } = await scene();
    const trashed = await put(join(paths.trash('9'), '20261101T000000000Z.session_main/'), 1);
    const young = await put(join(paths.trash('9'), '20261121T000000000Z.session_main/'), 1);
    const draft = await put(join(paths.workspace('9'), TMP), 2);
    await clear();
    expect(await left(trashed, young, draft)).toEqual([false, true, false]);
    expect(purged).toEqual(['9']);
  });

  it('stay while the clock cannot be gone by', async () => {
    const { clear, paths, purged, put, root, watch } = await scene();
    const probe = await put(join(root, '.probe-0123456789ab'), 1);
    const trashed = await put(join(paths.trash('9'), '20261101T000000000Z.session_main/'), 1);
    watch.isTrusted = false;
    await clear();
    expect(await left(probe, trashed)).toEqual([true, true]);
    expect(purged).toEqual([]);
  });

  it('in the scratch and temporary directories go after a day: copies of instances that are no more, tries of the sandbox', async () => {
    const { clear, put, scratch, temporary } = await scene();
    const room = join(scratch, 'copies-instance-3-0123456789ab');
    const copy = '0123456789abcdef01234567';
    const gone = await Promise.all([
      put(join(room, `${copy}/`), 2),
      put(join(temporary, 'wharf-sandbox-AbC123/'), 2),
    ]);
    const kept = await Promise.all([
      put(join(room, 'ffffffffffffffffffffffff/'), 0.5),
      put(join(room, 'mine/'), 90),
      put(join(scratch, 'backup', copy, 'x'), 90),
      put(join(temporary, 'wharf-sandbox-Young1/'), 0.5),
      put(join(temporary, 'wharf-test-AbC123/'), 90),
    ]);
    await clear();
    expect(await left(...gone)).toEqual([false, false]);
    expect(await left(...kept)).toEqual(kept.map(() => true));
  });

  it('behind links are left alone, and so are the links', async () => {
    const { clear, own, paths, put, root, scratch } = await scene();
    await own('7');
    const elsewhere = await temporaryDirectory();
    const draft = await put(join(elsewhere, TMP), 9);
    const copy = await put(join(elsewhere, '0123456789abcdef01234567/'), 9);
    await symlink(elsewhere, paths.session('7', 'linked'));
    await symlink(elsewhere, join(scratch, 'copies-instance-3-0123456789ab'));
    await symlink(elsewhere, join(root, 'workspace_11'));
    await symlink(draft, join(paths.workspace('7'), '.x.1.0123456789ab.tmp'));
    await clear();
    expect(await left(draft, copy)).toEqual([true, true]);
    expect(await readdir(paths.workspace('7'))).toContain('.x.1.0123456789ab.tmp');
  });
});
