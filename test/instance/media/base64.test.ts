import fc from 'fast-check';
import { expect, it } from 'vitest';
import { base64Length, toBase64 } from '../../../instance/media/base64.ts';

it('encodes a stream as it would the whole, however it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 20 }), async (chunks) => {
      const whole = Buffer.concat(chunks);
      const source = (async function* () {
        for (const chunk of chunks) yield Buffer.from(chunk);
      })();
      const text = await toBase64(source);
      expect(text).toBe(whole.toString('base64'));
      expect(base64Length(whole.length)).toBe(text.length);
    }),
  );
});
