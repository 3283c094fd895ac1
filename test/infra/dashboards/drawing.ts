import type { Panel } from '../panels.ts';
import type { Series } from './watch.ts';

/** A panel with what its queries gave. */
export interface DrawnPanel {
  panel: Panel;
  series: { legend: string; series: Series }[];
}

const COLOURS = [
  '#3274d9',
  '#56a64b',
  '#f2a72e',
  '#e02f44',
  '#8f3bb8',
  '#37872d',
  '#fa6400',
  '#1f78c1',
  '#c15c17',
  '#705da0',
];
const ROW_HEIGHT = 30;
const COLUMN = 66;

/** What is drawn of a dashboard. */
interface Board {
  title: string;
  rows: readonly Panel[];
  panels: readonly DrawnPanel[];
}

/** Pixels from a dashboard's first panel to the end of its last. */
export function heightOf({ panels }: Pick<Board, 'panels'>): number {
  return Math.max(...panels.map(({ panel: { gridPos } }) => gridPos.y + gridPos.h)) * ROW_HEIGHT;
}

/** A page that shows a dashboard as it lies in Grafana: numbers, tables and lines, drawn plainly. */
export function pageOf(board: Board): string {
  const boxes = [
    ...board.rows.map((row) => box(row, 'row', `<b>${escaped(row.title)}</b>`)),
    ...board.panels.map((drawn) =>
      box(drawn.panel, 'panel', `<h3>${escaped(drawn.panel.title)}</h3>${inside(drawn)}`),
    ),
  ];
  return `<!doctype html><meta charset="utf-8"><style>
body{font:12px sans-serif;margin:16px;background:#f4f5f5;color:#24292e}h2{margin:12px 0}
.board{position:relative;width:${24 * COLUMN}px}.row,.panel{position:absolute;box-sizing:border-box;overflow:hidden}
.panel{background:#fff;border:1px solid #ddd;padding:6px}h3{font-size:12px;margin:0 0 4px}.number{font-size:30px;text-align:center;margin-top:14px}
.legend span{margin-right:10px}td,th{padding:2px 8px;text-align:left;border-bottom:1px solid #eee}.none{color:#e02f44}
</style><h2>${escaped(board.title)}</h2><div class="board" style="height:${heightOf(board)}px">${boxes.join('')}</div>`;
}

function box({ gridPos: { x, y, w, h } }: Panel, kind: string, content: string): string {
  const style = `left:${x * COLUMN}px;top:${y * ROW_HEIGHT}px;width:${w * COLUMN - 6}px;height:${h * ROW_HEIGHT - 6}px`;
  return `<div class="${kind}" style="${style}">${content}</div>`;
}

function inside(drawn: DrawnPanel): string {
  const { panel, series } = drawn;
  if (series.length === 0) return '<p class="none">no data</p>';
  const unit = panel.fieldConfig?.defaults.unit ?? 'short';
  if (panel.type === 'stat') {
    const last = series.map(
      ({ series: { points } }) => points.findLast(([, value]) => !Number.isNaN(value))?.[1],
    );
    return `<div class="number">${last.map((value) => shown(value ?? Number.NaN, unit)).join(' ')}</div>`;
  }
  if (panel.type === 'table') return tableOf(drawn, unit);
  return linesOf(drawn, unit);
}

function tableOf({ series }: DrawnPanel, unit: string): string {
  const names = [...new Set(series.flatMap(({ series: { labels } }) => Object.keys(labels)))];
  const rows = series.map(({ series: { labels, points } }) => {
    const cells = names.map((name) => `<td>${escaped(labels[name] ?? '')}</td>`).join('');
    return `<tr>${cells}<td>${shown(points.at(-1)?.[1] ?? Number.NaN, unit)}</td></tr>`;
  });
  return `<table><tr>${names.map((name) => `<th>${escaped(name)}</th>`).join('')}<th>value</th></tr>${rows.join('')}</table>`;
}

function linesOf({ panel, series }: DrawnPanel, unit: string): string {
  const width = panel.gridPos.w * COLUMN - 80;
  const height = panel.gridPos.h * ROW_HEIGHT - 80;
  const points = series
    .flatMap(({ series: one }) => one.points)
    .filter(([, value]) => Number.isFinite(value));
  const times = points.map(([time]) => time);
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const most = Math.max(...points.map(([, value]) => value), 0) || 1;
  const x = (time: number) => (to === from ? width : ((time - from) / (to - from)) * width).toFixed(1);
  const y = (value: number) => (height - (value / most) * height).toFixed(1);
  const paths = series.map(({ series: one }, index) => {
    const path = one.points
      .filter(([, value]) => Number.isFinite(value))
      .map(([time, value]) => `${x(time)},${y(value)}`)
      .join(' ');
    return `<polyline points="${path}" fill="none" stroke="${COLOURS[index % COLOURS.length]}" stroke-width="1.5"/>`;
  });
  const legend = series.map(
    ({ legend: text }, index) =>
      `<span style="color:${COLOURS[index % COLOURS.length]}">${escaped(text)}</span>`,
  );
  return `<svg width="${width + 60}" height="${height + 4}"><text x="0" y="10" font-size="10">${shown(most, unit)}</text><g transform="translate(50,0)"><path d="M0,0V${height}H${width}" stroke="#bbb" fill="none"/>${paths.join('')}</g></svg><div class="legend">${legend.join('')}</div>`;
}

function shown(value: number, unit: string): string {
  if (Number.isNaN(value)) return '-';
  if (unit === 's')
    return value < 1
      ? `${Math.round(value * 1000)} ms`
      : value > 7200
        ? `${(value / 3600).toFixed(1)} h`
        : `${value.toFixed(1)} s`;
  if (unit === 'percentunit') return `${(value * 100).toFixed(1)} %`;
  if (unit === 'bytes' || unit === 'Bps')
    return `${(value / 1024 / 1024).toFixed(1)} MiB${unit === 'Bps' ? '/s' : ''}`;
  if (unit === 'ops' || unit === 'reqps') return `${value.toFixed(2)}/s`;
  return String(Math.round(value * 100) / 100);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
