import { describe, expect, it } from 'vitest';
import { MediaLinks } from '../../../router/media/links.ts';
import { DrivenClock } from '../../helpers/driven-clock.ts';

const TOKEN = 'a'.repeat(64);
const clock = new DrivenClock();
const now = Math.floor(clock.now() / 1000);
const links = new MediaLinks(TOKEN, clock);
const media = { workspace: '7', id: `med_${'0'.repeat(32)}`, expires: now + 1 };

describe('links to media', () => {
  it('are good for all routers of a fleet, and of no other', () => {
    const signature = links.sign(media);
    expect(() => new MediaLinks(TOKEN, clock).verify(media, signature)).not.toThrow();
    expect(() => new MediaLinks('b'.repeat(64), clock).verify(media, signature)).toThrow(/not of this fleet/);
  });

  it.each([
    { ...media, workspace: '8' },
    { ...media, id: `med_${'1'.repeat(32)}` },
    { ...media, expires: now + 2 },
  ])('are for nothing else: %j', (other) => {
    expect(() => links.verify(other, links.sign(media))).toThrow(
      expect.objectContaining({ code: 'forbidden' }),
    );
  });

  it.each(['', 'x', 'ä'.repeat(43)])('are refused with the signature %j', (signature) => {
    expect(() => links.verify(media, signature)).toThrow(expect.objectContaining({ code: 'forbidden' }));
  });

  it('end at their time', () => {
    const ended = { ...media, expires: now };
    expect(() => links.verify(ended, links.sign(ended))).toThrow(
      expect.objectContaining({ code: 'link_expired' }),
    );
  });
});
