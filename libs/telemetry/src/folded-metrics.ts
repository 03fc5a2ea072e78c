/**
 * Metrics whose values are a fold over the log: plain data that can be snapshotted, read when somebody scrapes. They are set,
 * never incremented, so that what is scraped is a function of the events alone.
 */
import type { Metric, Registry } from 'prom-client';
import { CATALOGUE, type KeyWhere, type LabelsOf, type MetricDefinition } from './metrics-catalogue.ts';

type FoldKey = KeyWhere<'source', 'fold'>;
type HistogramKey = FoldKey & KeyWhere<'type', 'histogram'>;
type Labels<K extends FoldKey> = Readonly<Record<LabelsOf<K>, string>>;

/** `counts[i]` = observations <= the i-th bucket of the catalogue and above the one before; the last one counts those above all. */
export interface FoldedHistogram {
  counts: number[];
  sum: number;
}

/** One series: its labels and its value. */
export interface Series<K extends FoldKey> {
  readonly labels: Labels<K>;
  readonly value: K extends HistogramKey ? FoldedHistogram : number;
}

/** What a fold answers when asked at scrape time: the series of each metric. */
export type FoldedSeries = { readonly [K in FoldKey]: readonly Series<K>[] };

export const emptyHistogram = (key: HistogramKey): FoldedHistogram => ({
  counts: new Array<number>(CATALOGUE[key].buckets.length + 1).fill(0),
  sum: 0,
});

export function observe(key: HistogramKey, histogram: FoldedHistogram, value: number): void {
  const bucket = CATALOGUE[key].buckets.findIndex((bound) => value <= bound);
  const index = bucket === -1 ? CATALOGUE[key].buckets.length : bucket;
  histogram.counts[index] = histogram.counts[index]! + 1;
  histogram.sum += value;
}

interface Sample {
  metricName?: string;
  labels: Record<string, string | number>;
  value: number;
}

function* histogramSamples(
  definition: MetricDefinition,
  labels: Record<string, string>,
  { counts, sum }: FoldedHistogram,
): Generator<Sample> {
  let total = 0;
  for (const [index, count] of counts.entries()) {
    total += count;
    yield {
      metricName: `${definition.name}_bucket`,
      labels: { ...labels, le: definition.buckets?.[index] ?? '+Inf' },
      value: total,
    };
  }
  yield { metricName: `${definition.name}_sum`, labels, value: sum };
  yield { metricName: `${definition.name}_count`, labels, value: total };
}

function samples(
  definition: MetricDefinition,
  series: readonly { labels: Record<string, string>; value: number | FoldedHistogram }[],
): Sample[] {
  return series.flatMap(({ labels, value }) =>
    typeof value === 'number' ? [{ labels, value }] : [...histogramSamples(definition, labels, value)],
  );
}

/** Registers every metric of source `fold`; `read` is called once per metric and scrape, so it should only hand out what is there. */
export function registerFoldedMetrics(registry: Registry, read: () => FoldedSeries): void {
  for (const key of Object.keys(CATALOGUE) as (keyof typeof CATALOGUE)[]) {
    const definition: MetricDefinition = CATALOGUE[key];
    if (definition.source !== 'fold') continue;
    // What prom-client asks of a metric is its name and `get()`; its own classes cannot set a histogram, only observe one.
    const metric = {
      name: definition.name,
      get: () =>
        Promise.resolve({
          name: definition.name,
          help: definition.help,
          type: definition.type,
          aggregator: 'sum',
          values: samples(definition, read()[key as FoldKey] as never),
        }),
      reset: () => undefined,
    };
    registry.registerMetric(metric as unknown as Metric);
  }
}
