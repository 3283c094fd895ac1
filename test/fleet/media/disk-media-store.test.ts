import { readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { openMediaStore } from '../../../fleet/media/open-media-store.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { testsMediaStore } from '../../conformance/media-store.ts';
import { eventually } from '../../helpers/eventually.ts';
import { openFilesUnder } from '../../helpers/open-files.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

testsMediaStore('on the session path', async () => {
  const paths = new SessionPaths(await temporaryDirectory());
  onTestFinished(async () => {
    await eventually(async () => (await openFilesUnder(paths.root)).length === 0);
  });
  const names = (workspace: string) => readdir(paths.media(workspace)).catch(() => []);
  return {
    media: openMediaStore({ mediaBucket: null }, paths, systemClock),
    names,
    spoil: (workspace, name, text) => writeFile(join(paths.media(workspace), name), text),
    // Files are made older rather than waited for.
    later: async () => {
      for (const name of await names('7')) {
        const path = join(paths.media('7'), name);
        const { mtimeMs } = await stat(path);
        await utimes(path, mtimeMs / 1000 - 100, mtimeMs / 1000 - 100);
      }
      return Date.now() - 50_000;
    },
  };
});
