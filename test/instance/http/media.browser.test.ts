import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { createApp, finishApp, mountRoutes } from '../../../common/http/app.ts';
import { listen } from '../../../common/http/server.ts';
import { createLogger } from '../../../common/logger.ts';
import { mediaIdOf } from '../../../fleet/media/media-ids.ts';
import { openMediaStore } from '../../../fleet/media/open-media-store.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { keepMedia } from '../../../instance/http/media.keep.ts';
import { MediaDownloads } from '../../../instance/media/media-downloads.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { emulatedWhatsApp, sessionHost } from '../whatsapp/quirks/setup.ts';

const PHONE = '491700000295';

/** An instance's sessions with a real browser, and its route for media. */
async function instance() {
  const whatsapp = await emulatedWhatsApp({});
  const host = await sessionHost(whatsapp);
  const log = createLogger('silent', {});
  const store = openMediaStore(
    { mediaBucket: null },
    new SessionPaths(await temporaryDirectory()),
    systemClock,
  );
  const app = createApp(log);
  const route = keepMedia({ manager: host.manager, downloads: new MediaDownloads({ store, log }) });
  mountRoutes(app, [route], { log, bodyLimit: 1000, anyone: null, authenticate: () => null });
  finishApp(app, log);
  const server = await listen(app, 0, '127.0.0.1');
  onTestFinished(() => server.close(0));
  return { whatsapp, host, store, url: `${server.url}/workspaces/7/sessions/main/media` };
}

describe("a received message's media, through the instance", () => {
  it('is brought from WhatsApp and kept, the same file under the same id', async () => {
    const { whatsapp, host, store, url } = await instance();
    await host.linked(PHONE);
    const bytes = randomBytes(2_000_000);
    const { serialized: id } = await whatsapp.post<{ serialized: string }>('/deliver', {
      phone: PHONE,
      from: '491700000296',
      data: bytes.toString('base64'),
      mimetype: 'image/jpeg',
    });
    const ask = async (whatsappId: string) => {
      const answer = await fetch(`${url}?${new URLSearchParams({ whatsapp_id: whatsappId })}`, {
        method: 'POST',
      });
      return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
    };
    const kept = await ask(id);
    const media_id = mediaIdOf({ workspace: '7', session: 'main' }, id);
    expect(kept).toMatchObject({ status: 200, json: { media_id, mimetype: 'image/jpeg', size: 2_000_000 } });
    expect((await buffer((await store.open('7', media_id)).stream)).equals(bytes)).toBe(true);
    expect(await ask(id)).toEqual(kept);

    // A message that is not in the history, one without media, and one whose file WhatsApp no longer has.
    const { serialized: text } = await whatsapp.post<{ serialized: string }>('/deliver', {
      phone: PHONE,
      from: '491700000296',
      body: 'no media',
    });
    for (const other of ['false_491700000296@c.us_NEVER', text])
      expect(await ask(other)).toMatchObject({ status: 404, json: { code: 'media_not_found' } });

    expect((await ask('x')).status).toBe(400);
    await host.manager.get('7', 'main').stop();
    // What is kept needs no session; what is not does.
    expect((await ask(id)).status).toBe(200);
    expect(await ask(text)).toMatchObject({ status: 409, json: { code: 'session_not_ready' } });
  });
});
