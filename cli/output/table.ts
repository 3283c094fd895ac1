import Table from 'cli-table3';
import type { Style } from './style.ts';

/** No lines, two spaces between the columns: easy on the eye, and on `awk`. */
const CHARACTERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** A table for people, ending in a new line; no row is wider than its cells ask for. */
export function renderTable(style: Style, head: string[], rows: string[][]): string {
  const table = new Table({
    head: head.map((name) => style.bold(name)),
    chars: CHARACTERS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows);
  const lines = table.toString().split('\n');
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

/** Names and values, one a line, the values in one column. */
export function renderFields(style: Style, fields: [name: string, value: string][]): string {
  const width = Math.max(...fields.map(([name]) => name.length));
  return fields.map(([name, value]) => `${style.dim(name.padEnd(width))}  ${value}\n`).join('');
}
