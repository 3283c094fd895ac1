import fc from 'fast-check';
import QRCode from 'qrcode';
import { describe, expect, it } from 'vitest';
import { drawQr } from '../../../cli/output/qr-drawing.ts';

const ESCAPE = String.fromCharCode(27);

/** The modules of a drawing, true for what is drawn in the text's colour; two rows of them in a line. */
function inked(lines: string[]): boolean[][] {
  return lines.flatMap((line) => {
    const signs = [...line];
    return [
      signs.map((sign) => sign === '█' || sign === '▀'),
      signs.map((sign) => sign === '█' || sign === '▄'),
    ];
  });
}

/** The code with four light modules around it; true for dark. A last row may be added, to make them even. */
function expected(text: string): boolean[][] {
  const { modules } = QRCode.create(text, { errorCorrectionLevel: 'L' });
  const size = modules.size + 8;
  const isDark = (row: number, column: number) =>
    Math.min(row, column) >= 4 && Math.max(row, column) < size - 4 && modules.get(row - 4, column - 4) === 1;
  return Array.from({ length: size + (size % 2) }, (_, row) =>
    Array.from({ length: size }, (__, column) => isDark(row, column)),
  );
}

const codes = fc.string({ minLength: 1, maxLength: 300, unit: 'grapheme-ascii' });

describe('a QR in the terminal', () => {
  it('has every dark module in black on white where colours may be used', () => {
    fc.assert(
      fc.property(codes, (text) => {
        const lines = drawQr(text, true).trimEnd().split('\n');
        const bare = lines.map((line) => {
          expect(line.startsWith(`${ESCAPE}[30;107m`)).toBe(true);
          expect(line.endsWith(`${ESCAPE}[0m`)).toBe(true);
          return line.slice(9, -4);
        });
        expect(inked(bare)).toEqual(expected(text));
      }),
      { numRuns: 30 },
    );
  });

  it('has every light module in the colour of text where they may not', () => {
    fc.assert(
      fc.property(codes, (text) => {
        const drawing = drawQr(text, false);
        expect(drawing).not.toContain(ESCAPE);
        const light = expected(text).map((row) => row.map((dark) => !dark));
        expect(inked(drawing.replace(/\n$/, '').split('\n'))).toEqual(light);
      }),
      { numRuns: 30 },
    );
  });
});
