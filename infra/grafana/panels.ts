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
export function lines({ stacked = false, ...options }: PanelOptions & { stacked?: boolean }): AnyPanel {
  const panel = framed(new TimeSeries(), options, { unit: 'short', width: 8, height: 8 })
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
    .targets(targets(options.queries));
  return stacked ? panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal)) : panel;
}

/** The last value, large, coloured by its steps. */
export function number({ steps = [], ...options }: PanelOptions & { steps?: Steps }): AnyPanel {
  const thresholds: Threshold[] = [
    { value: null, color: 'green' },
    ...steps.map(([value, color]) => ({ value, color })),
  ];
  return framed(new Stat(), options, { unit: 'short', width: 4, height: 4 })
    .colorMode(BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.Area)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(thresholds))
    .targets(targets(options.queries));
}

/** A row for each series, its labels as columns. */
export function table(options: PanelOptions): AnyPanel {
  return framed(new Table(), options, { unit: 'none', width: 12, height: 8 })
    .targets(
      Object.values(options.queries).map((expr, index) =>
        query(expr, index).instant().format(PromQueryFormat.Table),
      ),
    )
    .withTransformation({ id: 'organize', options: { excludeByName: { Time: true } } });
}

/** What the builders of all kinds of panels have. */
interface Frame {
  title(title: string): this;
  description(description: string): this;
  datasource(datasource: typeof DATASOURCE): this;
  span(width: number): this;
  height(height: number): this;
  unit(unit: Unit): this;
}

/** @param usual where the options do not say otherwise; the height is rows of the grid */
function framed<Panel extends Frame>(
  panel: Panel,
  { title, description, unit, width }: PanelOptions,
  usual: { unit: Unit; width: number; height: number },
): Panel {
  return panel
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .span(width ?? usual.width)
    .height(usual.height)
    .unit(unit ?? usual.unit);
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
