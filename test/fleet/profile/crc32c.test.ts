import { describe, expect, it } from 'vitest';
import { crc32c, maskCrc } from '../../../fleet/profile/crc32c.ts';

describe('crc32c', () => {
  // RFC 3720, B.4, and the check value of the catalogue of CRCs
  it.each([
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 bytes of 0xff', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['0 to 31', Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
    ['"123456789"', Buffer.from('123456789'), 0xe3069283],
    ['nothing', new Uint8Array(0), 0],
  ])('gives the published value for %s', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  it('looks only at the part that is asked for', () => {
    expect(crc32c(Buffer.from('--123456789--'), 2, 11)).toBe(0xe3069283);
  });

  it("masks by rotating 15 bits to the right and adding LevelDB's constant", () => {
    expect(maskCrc(0)).toBe(0xa282ead8);
    expect(maskCrc(0xffffffff)).toBe(0xa282ead7);
    expect(maskCrc(1 << 15)).toBe(0xa282ead9);
  });
});
