/** Colours and weights for a terminal; each is the identity where colours are off. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  warning(text: string): string;
  bad(text: string): string;
}

/** SGR parameters (ECMA-48, 8.3.117). */
const paint = (on: number, off: number) => (text: string) => `\u001b[${on}m${text}\u001b[${off}m`;
const plain = (text: string) => text;

/** @param color whether escape codes may be written */
export function createStyle(color: boolean): Style {
  if (!color) return { bold: plain, dim: plain, good: plain, warning: plain, bad: plain };
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    good: paint(32, 39),
    warning: paint(33, 39),
    bad: paint(31, 39),
  };
}

const GOOD = new Set([
  'ready',
  'flowing',
  'healthy',
  'ok',
  'sent',
  'delivered',
  'read',
  'done',
  'complete',
  'restored',
  'undone',
]);
const BAD = new Set(['failed', 'stuck', 'logged_out', 'unhealthy', 'gone', 'dead', 'revoke', 'damaged']);

/** A status in its colour: good, bad, at rest, or on its way. */
export function paintStatus(style: Style, status: string): string {
  if (GOOD.has(status)) return style.good(status);
  if (BAD.has(status)) return style.bad(status);
  if (status === 'stopped' || status === 'parked' || status === 'skipped' || status === 'idle')
    return style.dim(status);
  return style.warning(status);
}
