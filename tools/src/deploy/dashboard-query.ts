/** What a panel of the dashboard is, and how its queries are written. */

export interface Query {
  readonly expr: string;
  readonly legend: string;
  /** True where even one completed mission leads to data; the others have data only after trouble or with time. */
  readonly after_one_mission: boolean;
}

export interface Panel {
  readonly title: string;
  readonly description: string;
  readonly kind: 'timeseries' | 'stat';
  readonly unit: 'short' | 's' | 'percentunit' | 'ops' | 'bytes';
  /** The colour that the value has from there on, lowest first; null for what lies below all. */
  readonly steps?: readonly { readonly color: string; readonly value: number | null }[];
  readonly queries: readonly Query[];
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export const always = (legend: string, expr: string): Query => ({ expr, legend, after_one_mission: true });
export const inTrouble = (legend: string, expr: string): Query => ({ expr, legend, after_one_mission: false });

// Each replica of the metrics service folds the whole log, so what they show is the same number: the greatest of them, never their sum.
export const folded = (labels: string, series: string): string => `max by (${labels}) (${series})`;
export const quantile = (q: number, labels: string, metric: string): string =>
  `histogram_quantile(${q}, ${folded(labels === '' ? 'le' : `le, ${labels}`, `${metric}_bucket`)})`;
export const recent = (q: number, labels: string, metric: string): string =>
  `histogram_quantile(${q}, sum by (le, ${labels}) (rate(${metric}_bucket[$__rate_interval])))`;
