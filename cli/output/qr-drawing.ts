import QRCode from 'qrcode';

/** Light modules around the code: what ISO/IEC 18004 asks for. */
const QUIET = 4;

/** Black on bright white, whatever the terminal's own colours are (SGR 30 and 107). */
const BLACK_ON_WHITE = '\u001b[30;107m';
const PLAIN = '\u001b[0m';

/**
 * A QR drawn with half blocks, two modules in a character, ending in a new line.
 *
 * @param text what the code says
 * @param color whether escape codes may be written; without them light modules are drawn in the terminal's text colour, which is right on
 *   dark terminals, the commoner ones
 */
export function drawQr(text: string, color: boolean): string {
  const { modules } = QRCode.create(text, { errorCorrectionLevel: 'L' });
  const isDark = (row: number, column: number) =>
    row >= 0 && column >= 0 && row < modules.size && column < modules.size && modules.get(row, column) === 1;
  const lines: string[] = [];
  for (let row = -QUIET; row < modules.size + QUIET; row += 2) {
    let line = '';
    for (let column = -QUIET; column < modules.size + QUIET; column += 1) {
      line += halfBlock(isDark(row, column) === color, isDark(row + 1, column) === color);
    }
    lines.push(color ? `${BLACK_ON_WHITE}${line}${PLAIN}` : line);
  }
  return `${lines.join('\n')}\n`;
}

function halfBlock(upper: boolean, lower: boolean): string {
  if (upper) return lower ? '█' : '▀';
  return lower ? '▄' : ' ';
}
