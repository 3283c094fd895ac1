import { readdir } from 'node:fs/promises';
import { filledIn, type Panel, readDashboard } from '../panels.ts';
import type { DrawnPanel } from './drawing.ts';
import type { Watch } from './watch.ts';

/** A dashboard with what its panels show. */
export interface EvaluatedDashboard {
  name: string;
  title: string;
  rows: Panel[];
  panels: DrawnPanel[];
  /** Queries that gave nothing, or failed: panel and query. */
  empty: string[];
}

/** Asks a Prometheus what the panels of all dashboards ask, over a time. @param start Unix seconds, as `end` */
export async function evaluate(
  watch: Watch,
  folder: string,
  start: number,
  end: number,
): Promise<EvaluatedDashboard[]> {
  const evaluated: EvaluatedDashboard[] = [];
  for (const file of (await readdir(folder)).sort()) {
    const { title, panels } = await readDashboard(file, folder);
    const board: EvaluatedDashboard = {
      name: file.replace('.json', ''),
      title,
      rows: panels.filter(({ type }) => type === 'row'),
      panels: [],
      empty: [],
    };
    for (const panel of panels.filter(({ type }) => type !== 'row')) {
      const drawn: DrawnPanel = { panel, series: [] };
      for (const { expr, legendFormat = '' } of panel.targets) {
        const series = await watch.range(filledIn(expr, '30s'), start, end);
        const known = series.filter(({ points }) => points.some(([, value]) => Number.isFinite(value)));
        if (known.length === 0) board.empty.push(`${panel.title}: ${expr}`);
        // A table shows what is true now.
        const wanted =
          panel.type === 'table' ? known.filter(({ points }) => points.at(-1)?.[0] === end) : known;
        for (const one of wanted)
          drawn.series.push({ legend: legendOf(legendFormat, one.labels), series: one });
      }
      board.panels.push(drawn);
    }
    evaluated.push(board);
  }
  return evaluated;
}

function legendOf(format: string, labels: Record<string, string>): string {
  return format.replace(/\{\{(\w+)\}\}/g, (_, name: string) => labels[name] ?? '');
}
