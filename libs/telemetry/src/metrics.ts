/** The catalogue as prom-client metrics: typed by key, so that a name or a label nobody declared does not compile. */
import { Counter, Gauge, Histogram, type Metric, type Registry } from 'prom-client';
import { CATALOGUE, type KeyWhere, type LabelsOf, type MetricDefinition, type MetricKey } from './metrics-catalogue.ts';

type Of<K extends MetricKey> = (typeof CATALOGUE)[K]['type'] extends 'counter'
  ? Counter<LabelsOf<K>>
  : (typeof CATALOGUE)[K]['type'] extends 'gauge'
    ? Gauge<LabelsOf<K>>
    : Histogram<LabelsOf<K>>;

/** What a process counts itself. */
export type Metrics = { readonly [K in KeyWhere<'source', 'process'>]: Of<K> };

const keys = Object.keys(CATALOGUE) as MetricKey[];

function create(definition: MetricDefinition, registry: Registry): Metric {
  const { name, help, buckets } = definition;
  const common = { name, help, labelNames: [...definition.labels], registers: [registry] };
  if (definition.type === 'counter') return new Counter(common);
  if (definition.type === 'gauge') return new Gauge(common);
  return new Histogram({ ...common, buckets: [...(buckets ?? [])] });
}

/** Registers every metric of source `process`; once per registry. A metric without labels shows as 0 from the start. */
export function createMetrics(registry: Registry): Metrics {
  const created = keys.filter((key) => CATALOGUE[key].source === 'process').map((key) => [key, create(CATALOGUE[key], registry)]);
  return Object.fromEntries(created) as Metrics;
}
