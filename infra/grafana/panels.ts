import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueColorMode,
  BigValueGraphMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type Panel as GrafanaPanel,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeSeries } from '@grafana/grafana-foundation-sdk/timeseries';

/** The Prometheus that a dashboard asks: a variable, so that it works wherever it is brought to. */
export const DATASOURCE = { type: 'prometheus', uid: '$datasource' };

/** Queries in PromQL by the text of their legend; a text may hold labels: `{{status}}`. */
export type Queries = Record<string, string>;

/** Units as Grafana names them. */
export type Unit =
  | 'short'
  | 's'
  | 'bytes'
  | 'Bps'
  | 'reqps'
  | 'percentunit'
  | 'ops'
  | 'dateTimeAsIso'
  | 'none';

/** What a panel is. */
export interface PanelOptions {
  title: string;
  /** What it shows and when to worry, for people who have not read the source. */
  description: string;
  queries: Queries;
  unit?: Unit;
  /** Columns of 24. */
  width?: number;
}

/** A panel of any kind. */
export type AnyPanel = Builder<GrafanaPanel>;

/** From which value on which colour; green below the first. */
export type Steps = readonly (readonly [from: number, color: 'green' | 'yellow' | 'orange' | 'red'])[];

/** A line for each series. */
export function lines({
  title,
  description,
  queries,
  unit = 'short',
  width = 8,
  stacked = false,
}: PanelOptions & { stacked?: boolean }): AnyPanel {
  const panel = new TimeSeries()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .span(width)
    .height(8)
    .unit(unit)
    .min(0)
    .lineWidth(1)
    .fillOpacity(stacked ? 40 : 8)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
    .targets(targets(queries));
  return stacked ? panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal)) : panel;
}

/** The last value, large, coloured by its steps. */
export function number({
  title,
  description,
  queries,
  unit = 'short',
  width = 4,
  steps = [],
}: PanelOptions & { steps?: Steps }): AnyPanel {
  const thresholds: Threshold[] = [
    { value: null, color: 'green' },
    ...steps.map(([value, color]) => ({ value, color })),
  ];
  return new Stat()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .span(width)
    .height(4)
    .unit(unit)
    .colorMode(BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.Area)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(thresholds))
    .targets(targets(queries));
}

/** A row for each series, its labels as columns. */
export function table({ title, description, queries, unit = 'none', width = 12 }: PanelOptions): AnyPanel {
  return new Table()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .span(width)
    .height(8)
    .unit(unit)
    .targets(
      Object.values(queries).map((expr, index) => query(expr, index).instant().format(PromQueryFormat.Table)),
    )
    .withTransformation({ id: 'organize', options: { excludeByName: { Time: true } } });
}

function targets(queries: Queries): Builder<Dataquery>[] {
  return Object.entries(queries).map(([legend, expr], index) => query(expr, index).legendFormat(legend));
}

function query(expr: string, index: number): DataqueryBuilder {
  return new DataqueryBuilder()
    .datasource(DATASOURCE)
    .refId(String.fromCharCode('A'.charCodeAt(0) + index))
    .expr(expr);
}
