import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { WharfError } from '../../../common/errors.ts';
import { createLogger } from '../../../common/logger.ts';
import { mediaIdOf } from '../../../fleet/media/media-ids.ts';
import type { MediaStore } from '../../../fleet/media/media-store.ts';
import { openMediaStore } from '../../../fleet/media/open-media-store.ts';
import { newMessageId, whatsappKeyOf } from '../../../fleet/queue/message-ids.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { EagerDownloads } from '../../../instance/media/eager-downloads.ts';
import { MediaDownloads } from '../../../instance/media/media-downloads.ts';
import type { Session } from '../../../instance/session/session.ts';
import type { Happening, ReceivedMedia } from '../../../instance/whatsapp/client.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const sales = { workspace: '7', session: 'sales' };
const idOf = (number: number) => `false_491701234567@c.us_3EB0${String(number).padStart(4, '0')}`;

describe('downloads of received media', () => {
  let store: MediaStore;
  let downloads: MediaDownloads;
  let lines: Record<string, unknown>[];
  let asked: string[];
  let give: (whatsappId: string) => Promise<ReceivedMedia>;

  const received = (text: string, more: Partial<ReceivedMedia> = {}): ReceivedMedia => ({
    mimetype: 'image/jpeg',
    filename: null,
    size: text.length,
    stream: Readable.from([Buffer.from(text)], { objectMode: false }),
    ...more,
  });
  const client = () => ({
    media: (whatsappId: string) => {
      asked.push(whatsappId);
      return give(whatsappId);
    },
  });

  beforeEach(async () => {
    lines = [];
    asked = [];
    give = async (id) => received(`file of ${id}`);
    const log = createLogger('debug', {}, { write: (line) => lines.push(JSON.parse(line)) });
    store = openMediaStore({ mediaBucket: null }, new SessionPaths(await temporaryDirectory()), systemClock);
    downloads = new MediaDownloads({ store, log });
  });

  it('keep a file under the id that follows from its message, and ask WhatsApp for it once', async () => {
    const id = mediaIdOf(sales, idOf(1));
    const both = await Promise.all([
      downloads.keep(sales, idOf(1), client),
      downloads.keep(sales, idOf(1), client),
    ]);
    const again = await downloads.keep(sales, idOf(1), client);
    expect([...both, again].map(({ media_id }) => media_id)).toEqual([id, id, id]);
    expect(asked).toEqual([idOf(1)]);
    expect((await buffer((await store.open('7', id)).stream)).toString()).toBe(`file of ${idOf(1)}`);
  });

  it('fetch four at one time, and two of one workspace', async () => {
    let open: () => void = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    give = async (id) => {
      await opened;
      return received(id);
    };
    const all = ['7', '8', '9'].flatMap((workspace) =>
      [1, 2, 3].map((number) => downloads.keep({ workspace, session: 'main' }, idOf(number), client)),
    );
    await eventually(() => asked.length === 4);
    expect(asked).toEqual([idOf(1), idOf(2), idOf(1), idOf(2)]);
    open();
    await Promise.all(all);
    expect(asked).toHaveLength(9);
  });

  it.each([
    [null, null, 'application/octet-stream', null],
    ['image/jpeg\r\nSet-Cookie: x', 'a/b\\c\0d.jpg', 'application/octet-stream', 'a_b_c_d.jpg'],
    ['audio/ogg; codecs=opus', 'x'.repeat(300), 'audio/ogg; codecs=opus', 'x'.repeat(200)],
  ])('believe no type and no name that a sender made up: %j', async (mimetype, filename, type, name) => {
    give = async () => received('x', { mimetype, filename });
    expect(await downloads.keep(sales, idOf(1), client)).toMatchObject({ mimetype: type, filename: name });
  });

  it('that fail leave nothing, and are tried again when they are asked for', async () => {
    give = async () => {
      throw new WharfError('media_unreachable', 'later');
    };
    await expect(downloads.keep(sales, idOf(1), client)).rejects.toMatchObject({ code: 'media_unreachable' });
    give = async () =>
      received('', {
        stream: Readable.from(
          (async function* () {
            yield Buffer.from('a part');
            throw new WharfError('browser_failed', 'gone');
          })(),
          { objectMode: false },
        ),
      });
    await expect(downloads.keep(sales, idOf(1), client)).rejects.toMatchObject({ code: 'browser_failed' });
    give = async () => received('there');
    expect(await downloads.keep(sales, idOf(1), client)).toMatchObject({ size: 5 });
  });

  describe('as messages come', () => {
    const message = (whatsapp_id: string, has_media: boolean) =>
      ({ kind: 'message', message: { whatsapp_id, has_media } }) as Happening;
    const session = {
      record: { workspace_id: '7', session_id: 'sales' },
      readyClient: client,
    } as unknown as Session;

    it('are of those with media that did not go out through Wharf', async () => {
      const eager = new EagerDownloads(downloads);
      const ours = `true_491701234567@c.us_${whatsappKeyOf(newMessageId(sales))}`;
      eager.happened(session, message(idOf(1), false));
      eager.happened(session, message(ours, true));
      eager.happened(session, { kind: 'ack', whatsappId: idOf(3), ack: 1 });
      eager.happened(session, message(idOf(2), true));
      const id = mediaIdOf(sales, idOf(2));
      await eventually(() =>
        store.find('7', id).then(
          () => true,
          () => false,
        ),
      );
      expect(asked).toEqual([idOf(2)]);
      await eager.settle();
    });

    it('disturb nobody when they fail', async () => {
      give = async () => {
        throw new WharfError('media_not_found', 'expired');
      };
      new EagerDownloads(downloads).happened(session, message(idOf(1), true));
      await eventually(() => lines.length > 0);
      expect(lines[0]).toMatchObject({ level: 'warn', workspace: '7', session: 'sales', reason: 'expired' });
    });
  });
});
