import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { createLogger } from '../../../common/logger.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import type { ChromiumVersion } from '../../../instance/profile/chromium-version.ts';
import { ProfileStore } from '../../../instance/profile/profile-store.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { serveDatabasePage } from './database-page.ts';

const CHROMIUM: ChromiumVersion = [156, 0, 8078, 79];
const DELETED = /corrupted \(and deleted\)|checksum mismatch/;
const ROUNDS = 10;

const request = (from: number, to: number, released = false) => ({
  record: { workspace_id: '7', session_id: 'main', generation: from, linked: true },
  to,
  released,
  signal: new AbortController().signal,
  log: createLogger('silent', {}),
});
const nameOf = (generation: number) => ({ workspace: '7', session: 'main', generation });

describe('a generation of a real Chromium', { timeout: 240_000 }, () => {
  it('copied while it wrote, and again when it was stopped in mid-burst, has all that was committed and nothing later', async () => {
    const page = await serveDatabasePage();
    const store = new ProfileStore(new SessionPaths(await temporaryDirectory()), systemClock);
    let highest = 0;
    for (let generation = 1; generation <= ROUNDS; generation++) {
      const { userData } = await store.open(nameOf(generation), CHROMIUM);
      // Twice: what a torn log destroys is seen at the second start only.
      const first = await page.start(userData);
      expect(first.found.highest).toBeGreaterThanOrEqual(highest);
      await first.write(3);
      await first.kill();
      await store.open(nameOf(generation), CHROMIUM);
      const browser = await page.start(userData);
      expect(browser.complaints()).not.toMatch(DELETED);
      expect(browser.found.rows).toBe(browser.found.highest);
      expect(browser.found.highest).toBeGreaterThanOrEqual(highest + 3);

      await browser.burst();
      await eventually(() => browser.committed() > highest + 10 * generation);
      const making = await store.adopt(request(generation, generation + 1));
      const atFirstPass = browser.committed();
      await eventually(() => browser.committed() > atFirstPass + 5);
      browser.pause();
      highest = browser.committed();
      await making.finish();
      // The zombie wakes, and writes for a while.
      browser.resume();
      await eventually(() => browser.committed() > highest + 20);
      await browser.kill();

      const adopted = await page.start((await store.open(nameOf(generation + 1), CHROMIUM)).userData);
      expect(adopted.found.rows).toBe(adopted.found.highest);
      // All it had said to be committed, and at most the one it had not had the time to say.
      expect(adopted.found.highest).toBeGreaterThanOrEqual(highest);
      expect(adopted.found.highest).toBeLessThanOrEqual(highest + 1);
      expect(adopted.complaints()).not.toMatch(DELETED);
      await adopted.kill();
    }
  });

  it('that was released is met exactly, and starts without a repair', async () => {
    const page = await serveDatabasePage();
    const store = new ProfileStore(new SessionPaths(await temporaryDirectory()), systemClock);
    const first = await page.start((await store.open(nameOf(1), CHROMIUM)).userData);
    await first.write(50);
    await expect(
      store.release(nameOf(1), { epoch: 1, instance: 'instance-1', host: 'one' }),
    ).rejects.toMatchObject({ code: 'browser_failed' });
    await first.close();
    expect(await store.markCleanStop(nameOf(1))).toMatchObject({ marked: true });
    await store.release(nameOf(1), { epoch: 1, instance: 'instance-1', host: 'one' });

    const made = await (await store.adopt(request(1, 2, true))).finish();
    expect(made).toMatchObject({ copied: { exact: true, clean: true, repair: null } });
    const opened = await store.open(nameOf(2), CHROMIUM);
    expect(opened).toMatchObject({ state: 'ready', repair: null });
    const second = await page.start(opened.userData);
    expect(second.found).toMatchObject({ rows: 50, highest: 50 });
    expect(second.found.local).toBeGreaterThan(40);
    await second.kill();
  });
});
