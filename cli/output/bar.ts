/** Characters between the brackets. */
const WIDTH = 20;

/** How far something has come, drawn: `[██████░░░░░░░░░░░░░░]`. What there is to do may be nothing: then all is done. */
export function barText(done: number, total: number): string {
  const share = total <= 0 ? 1 : Math.min(1, Math.max(0, done / total));
  const full = Math.floor(share * WIDTH);
  return `[${'█'.repeat(full)}${'░'.repeat(WIDTH - full)}]`;
}
