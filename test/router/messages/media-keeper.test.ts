import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { newMediaId } from '../../../fleet/media/media-ids.ts';
import type { MediaStore } from '../../../fleet/media/media-store.ts';
import { openMediaStore } from '../../../fleet/media/open-media-store.ts';
import { newMessageId } from '../../../fleet/queue/message-ids.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { MediaKeeper } from '../../../router/messages/media-keeper.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const to = '491701234567@c.us';
const messageId = newMessageId({ workspace: '7', session: 'sales' });

describe('the media of a message that is handed in', () => {
  let store: MediaStore;
  let keeper: MediaKeeper;
  /** How often the store was looked into. */
  let looks: number;

  beforeEach(async () => {
    looks = 0;
    store = openMediaStore({ mediaBucket: null }, new SessionPaths(await temporaryDirectory()), systemClock);
    const counting = {
      put: store.put.bind(store),
      find: (workspace: string, id: string) => {
        looks += 1;
        return store.find(workspace, id);
      },
    };
    keeper = new MediaKeeper(counting, systemClock);
  });

  it('is stored out of the body, once for each message, and named instead', async () => {
    const bytes = Buffer.alloc(200_001, 'wharf');
    const message = {
      to,
      media: { data: bytes.toString('base64'), mimetype: 'image/png', filename: 'a.png' },
    };
    const kept = await keeper.keep('7', messageId, message);
    expect(kept).toEqual({
      to,
      media: { media_id: expect.stringMatching(/^med_/), mimetype: 'image/png', filename: 'a.png' },
    });
    expect(await keeper.keep('7', messageId, message)).toEqual(kept);
    const { media_id } = kept.media as { media_id: string };
    expect((await buffer((await store.open('7', media_id)).stream)).equals(bytes)).toBe(true);
  });

  it('that another router took a moment ago is found when it is seen here', async () => {
    const media_id = newMediaId();
    const message = { to, media: { media_id } };
    const keeping = keeper.keep('7', messageId, message);
    await store.put(
      '7',
      Readable.from([Buffer.from('x')]),
      { mimetype: 'image/png', filename: null },
      10,
      media_id,
    );
    expect(await keeping).toEqual(message);
  });

  it('that was never there, or is no more, is looked for once', async () => {
    const message = { to, media: { media_id: newMediaId(Date.now() - 3_600_000) } };
    await expect(keeper.keep('7', messageId, message)).rejects.toMatchObject({ code: 'media_not_found' });
    expect(looks).toBe(1);
  });

  it('stays an address where it is one', async () => {
    const message = { to, media: { url: 'https://example.com/a.png' } };
    expect(await keeper.keep('7', messageId, message)).toEqual(message);
  });
});
