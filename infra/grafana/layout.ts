import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { type AnyPanel, DATASOURCE } from './panels.ts';

/** A dashboard: rows of panels under a heading each. */
export interface Layout {
  /** Never changes: links and bookmarks hold it. */
  uid: string;
  title: string;
  description: string;
  rows: Record<string, readonly AnyPanel[]>;
  /** Lets people choose an instance: queries use `$wharf_instance` as a regular expression. */
  byInstance?: boolean;
}

/** What all dashboards of ours have as a tag: they link to each other by it. */
const TAG = 'wharf';

/** Makes a dashboard as Grafana reads it. */
export function dashboard({ uid, title, description, rows, byInstance = false }: Layout): Dashboard {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags([TAG])
    .time({ from: 'now-3h', to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .readonly()
    .link(
      new DashboardLinkBuilder('Wharf')
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(true)
        .keepTime(true)
        .includeVars(true)
        .icon('external link')
        .tooltip('')
        .url(''),
    )
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'));
  if (byInstance) {
    builder.withVariable(
      new QueryVariableBuilder('wharf_instance')
        .label('Instance')
        .datasource(DATASOURCE)
        .query('label_values(wharf_instance_workspaces, wharf_instance)')
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .sort(VariableSort.NaturalAsc)
        .multi(true)
        .includeAll(true)
        .allValue('.*')
        .current({ text: 'All', value: '$__all', selected: true }),
    );
  }
  for (const [heading, panels] of Object.entries(rows)) {
    builder.withRow(new RowBuilder(heading));
    for (const panel of panels) builder.withPanel(panel);
  }
  return numbered(builder.build());
}

/** Gives each panel an id, which Grafana's links to panels need: the same at each making while the order stays. */
function numbered(made: Dashboard): Dashboard {
  const panels = (made.panels ?? []).map((panel, index) => ({ ...panel, id: index + 1 }));
  return { ...made, panels };
}
