import { describe, expect, it } from 'vitest';
import { RecipientCache } from '../../../instance/whatsapp/recipient-cache.ts';

describe('the recipients known to be on WhatsApp', () => {
  it('are remembered, the oldest forgotten beyond five thousand', () => {
    const cache = new RecipientCache();
    for (let index = 0; index < 5000; index += 1) cache.add(`${index}@c.us`);
    cache.add('0@c.us');
    expect(cache.has('0@c.us')).toBe(true);
    cache.add('new@c.us');
    expect([cache.has('0@c.us'), cache.has('1@c.us'), cache.has('new@c.us')]).toEqual([false, true, true]);
  });
});
