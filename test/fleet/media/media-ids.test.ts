import { describe, expect, it } from 'vitest';
import {
  isMediaId,
  isNewMediaId,
  mediaIdOf,
  newMediaId,
  receivedMediaPath,
} from '../../../fleet/media/media-ids.ts';

const sales = { workspace: '7', session: 'sales' };
const MESSAGE = 'false_491701234567@c.us_3EB0AA';

describe('ids of media', () => {
  it('are ids, never the same for two uploads', () => {
    expect(isMediaId(newMediaId())).toBe(true);
    expect(newMediaId()).not.toBe(newMediaId());
  });

  it('tell whether they were made a moment ago', () => {
    const now = 1_800_000_000_000;
    const id = newMediaId(now);
    expect(isMediaId(id)).toBe(true);
    expect([now, now + 59_000, now - 59_000].map((time) => isNewMediaId(id, time))).toEqual([
      true,
      true,
      true,
    ]);
    expect(isNewMediaId(id, now + 60_000)).toBe(false);
    expect(isNewMediaId(mediaIdOf(sales, MESSAGE), now)).toBe(false);
    expect(isNewMediaId('med_', now)).toBe(false);
  });

  it('are the same for the same received message, and others for any other', () => {
    const id = mediaIdOf(sales, MESSAGE);
    expect(isMediaId(id)).toBe(true);
    expect(mediaIdOf({ ...sales }, MESSAGE)).toBe(id);
    expect(mediaIdOf({ workspace: '8', session: 'sales' }, MESSAGE)).not.toBe(id);
    expect(mediaIdOf({ workspace: '7', session: 'sales2' }, MESSAGE)).not.toBe(id);
    expect(mediaIdOf(sales, `${MESSAGE}B`)).not.toBe(id);
  });

  it('take nothing that could lead elsewhere on a file system', () => {
    for (const id of [
      '',
      'med_',
      '../med_00',
      `med_${'0'.repeat(31)}/`,
      `med_${'A'.repeat(32)}`,
      `med_${'0'.repeat(32)}\n`,
    ])
      expect(isMediaId(id), id).toBe(false);
  });

  it('stand in a path that tells which message the media is of', () => {
    const url = new URL(receivedMediaPath(sales, 'false_1203@g.us_3EB0_49@c.us'), 'http://router');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      workspace_id: '7',
      session_id: 'sales',
      whatsapp_id: 'false_1203@g.us_3EB0_49@c.us',
    });
    expect(url.pathname).toBe(`/api/whatsapp/media/${mediaIdOf(sales, 'false_1203@g.us_3EB0_49@c.us')}`);
  });
});
