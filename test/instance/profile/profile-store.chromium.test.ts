import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import type { ChromiumVersion } from '../../../instance/profile/chromium-version.ts';
import { ProfileStore } from '../../../instance/profile/profile-store.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { serveDatabasePage } from './database-page.ts';

const CHROMIUM: ChromiumVersion = [156, 0, 8078, 79];
const NAME = { workspace: '7', session: 'main', generation: 1 };

describe('ProfileStore with a real Chromium', { timeout: 60_000 }, () => {
  it('needs no repair after a clean close, repairs after a kill, and refuses a profile that is open', async () => {
    const page = await serveDatabasePage();
    const store = new ProfileStore(new SessionPaths(await temporaryDirectory()), systemClock);

    const { userData } = await store.open(NAME, CHROMIUM);
    const first = await page.start(userData);
    await first.write(20);
    await expect(store.open(NAME, CHROMIUM)).rejects.toMatchObject({
      code: 'browser_failed',
      message: expect.stringMatching(/process \d+ has this database open/),
    });
    await first.close();
    expect(await store.markCleanStop(NAME)).toMatchObject({
      marked: true,
      report: { truncated: [], faults: [] },
    });

    expect(await store.open(NAME, CHROMIUM)).toMatchObject({ state: 'ready', repair: null });
    const second = await page.start(userData);
    expect(second.found.rows).toBe(20);
    await second.write(20);
    await second.kill();

    const third = await store.open(NAME, CHROMIUM);
    expect(third).toMatchObject({ state: 'ready', repair: { faults: [] } });
    const last = await page.start(userData);
    await last.kill();
    expect(last.found.rows).toBe(40);
  });
});
