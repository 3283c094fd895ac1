import { buffer } from 'node:stream/consumers';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { LARGEST_MEDIA } from '../../../fleet/media/media-limits.ts';
import { downloadFromPage } from '../../../instance/whatsapp/page-media.ts';

const ID = 'false_491701234567@c.us_3EB0';

/** As much of WhatsApp's page as the download touches. */
function page(message: Record<string, unknown> | undefined, download: () => Promise<ArrayBuffer>) {
  const modules: Record<string, unknown> = {
    WAWebCollections: {
      Msg: { get: () => undefined, getMessagesById: async () => ({ messages: message ? [message] : [] }) },
    },
    WAWebDownloadManager: { downloadManager: { downloadAndMaybeDecrypt: download } },
  };
  const window: { require: (name: string) => unknown; wharfMedia?: Map<string, unknown> } = {
    require: (name) => modules[name],
  };
  class FileReader {
    result = '';
    onload = () => {};
    readAsDataURL(blob: Blob) {
      void blob.arrayBuffer().then((bytes) => {
        this.result = `data:;base64,${Buffer.from(bytes).toString('base64')}`;
        this.onload();
      });
    }
  }
  const globals = { window, FileReader, Blob, AbortController, setTimeout: () => 0, clearTimeout: () => {} };
  const evaluate = async (expression: string): Promise<unknown> =>
    JSON.parse(JSON.stringify((await runInNewContext(expression, globals)) ?? null));
  return { window, evaluate };
}

const bytesOf = (size: number) => new Uint8Array(size).fill(7).buffer;
const timeouts = { download: 1000, read: 1000 };
const resolved = { mediaData: { mediaStage: 'RESOLVED' }, mimetype: 'image/png', filename: '', size: 5 };
const there = async () => bytesOf(2_000_000);

describe("a message's media in the page", () => {
  it('is read in pieces, and forgotten by the page', async () => {
    const { window, evaluate } = page(resolved, there);
    const media = await downloadFromPage(evaluate, ID, timeouts);
    expect(media).toMatchObject({ mimetype: 'image/png', filename: null, size: 2_000_000 });
    expect(window.wharfMedia?.size).toBe(1);
    expect((await buffer(media.stream)).equals(Buffer.from(bytesOf(2_000_000)))).toBe(true);
    expect(window.wharfMedia?.size).toBe(0);
  });

  it('is forgotten by the page also where its reader gives up', async () => {
    const { window, evaluate } = page(resolved, there);
    const { stream } = await downloadFromPage(evaluate, ID, timeouts);
    await stream[Symbol.asyncIterator]().next();
    stream.destroy();
    await new Promise((resolve) => stream.once('close', resolve));
    expect(window.wharfMedia?.size).toBe(0);
  });

  it('is made ready by WhatsApp first, where it is not yet', async () => {
    const mediaData = { mediaStage: 'INIT' };
    const downloadMedia = async () => {
      mediaData.mediaStage = 'RESOLVED';
    };
    const { evaluate } = page({ ...resolved, mediaData, downloadMedia }, there);
    expect(await downloadFromPage(evaluate, ID, timeouts)).toMatchObject({ size: 2_000_000 });
  });

  const stage = (mediaStage: string) => ({
    ...resolved,
    mediaData: { mediaStage },
    downloadMedia: async () => {},
  });
  const failing = (error: object) => async () => {
    throw error;
  };

  it.each([
    ['a message that is not in the history', undefined, there, 'media_not_found'],
    ['a message without media', { type: 'chat' }, there, 'media_not_found'],
    ['media that WhatsApp lacks', stage('ERROR_MISSING'), there, 'media_not_found'],
    [
      'media that expired',
      resolved,
      failing(Object.assign(new Error('404'), { status: 404 })),
      'media_not_found',
    ],
    ['media that WhatsApp does not give now', stage('ERROR_UNKNOWN'), there, 'media_unreachable'],
    ['media that is still being fetched', stage('FETCHING'), there, 'media_unreachable'],
    ['media that the phone is to upload again', stage('REUPLOADING'), there, 'media_unreachable'],
    ['media whose download fails', resolved, failing(new Error('offline')), 'media_unreachable'],
    [
      'media that is too large to be held',
      { ...resolved, size: LARGEST_MEDIA + 1 },
      there,
      'media_too_large',
    ],
  ])('of %s', async (_what, message, download, code) => {
    const { evaluate } = page(message, download as () => Promise<ArrayBuffer>);
    await expect(downloadFromPage(evaluate, ID, timeouts)).rejects.toMatchObject({ code });
  });

  it('is not taken for whole where the page was loaded anew meanwhile', async () => {
    const { window, evaluate } = page(resolved, there);
    const { stream } = await downloadFromPage(evaluate, ID, timeouts);
    delete window.wharfMedia;
    await expect(buffer(stream)).rejects.toMatchObject({ code: 'media_unreachable' });
  });
});
