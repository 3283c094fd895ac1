import { Readable } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import type { Exporter } from '../../../backup/export/exporter.ts';
import { exportSession } from '../../../backup/http/backups.export.ts';
import { WharfError } from '../../../common/errors.ts';
import { createApp, finishApp, mountRoutes } from '../../../common/http/app.ts';
import { listen } from '../../../common/http/server.ts';
import { createLogger } from '../../../common/logger.ts';

const log = createLogger('silent', {});

/** Asks a service whose exporter does this for an export. */
async function asked(exporting: Exporter['export']): Promise<Response> {
  const app = createApp(log);
  mountRoutes(app, [exportSession({ exporter: { export: exporting } })], {
    log,
    bodyLimit: 1000,
    anyone: null,
    authenticate: () => null,
  });
  finishApp(app, log);
  const server = await listen(app, 0, '127.0.0.1');
  onTestFinished(() => server.close());
  return await fetch(`${server.url}/api/backups/latest/export?session_id=main&workspace_id=7`);
}

it('passes on which session is wanted, and the tar', async () => {
  const answer = await asked(async (wanted, _signal, send) => {
    const content = Readable.from([Buffer.from(JSON.stringify(wanted))]);
    await send({ name: 'wharf.tar', content });
  });
  expect(answer.headers.get('content-disposition')).toBe('attachment; filename="wharf.tar"');
  expect(await answer.json()).toEqual({ backup: 'latest', workspace: '7', session: 'main' });
});

it('cuts the connection of a tar that breaks off: what came does not pass for whole', async () => {
  const answer = await asked(async (_wanted, _signal, send) => {
    const content = Readable.from(
      (async function* () {
        yield Buffer.alloc(200_000, 'a');
        throw new Error('the disk failed');
      })(),
    );
    await send({ name: 'wharf.tar', content });
  });
  expect(answer.status).toBe(200);
  await expect(answer.arrayBuffer()).rejects.toThrow(/terminated/);
});

it('answers with an error what failed before the first byte', async () => {
  const answer = await asked(async () => {
    throw new WharfError('backup_damaged', 'The archive is damaged.');
  });
  expect(answer.status).toBe(500);
  expect(await answer.json()).toMatchObject({ code: 'backup_damaged', detail: 'The archive is damaged.' });
});
