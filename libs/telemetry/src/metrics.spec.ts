import { describe, expect, it } from '@jest/globals';
import {
  CATALOGUE,
  createMetrics,
  emptyHistogram,
  observe,
  registerFoldedMetrics,
  Registry,
  type FoldedSeries,
  type MetricDefinition,
} from './index.ts';

const catalogue: MetricDefinition[] = Object.values(CATALOGUE);
const LABELS_OF_FEW_VALUES = [
  'consumer',
  'result',
  'category',
  'reason',
  'kind',
  'outcome',
  'status',
  'failure_class',
  'step',
  'tier',
  'owner',
  'stream',
];
const nothing = Object.fromEntries(
  Object.entries(CATALOGUE)
    .filter(([, { source }]) => source === 'fold')
    .map(([key]) => [key, []]),
) as unknown as FoldedSeries;

describe('the catalogue', () => {
  it.each(catalogue.map((metric) => [metric.name, metric] as const))('%s follows the rules', (name, metric) => {
    expect(name).toMatch(/^baton(_[a-z]+)+$/);
    expect(name.endsWith('_total')).toBe(metric.type === 'counter');
    // Base units only: no milliseconds, minutes or kilobytes.
    expect(name).not.toMatch(/_(ms|millis|milliseconds|minutes|hours|days|kb|mb|percent)(_|$)/);
    expect(metric.help).toMatch(/^[A-Z0-9].{19,}\.$/);
    expect(LABELS_OF_FEW_VALUES).toEqual(expect.arrayContaining([...metric.labels]));
    expect(metric.buckets !== undefined).toBe(metric.type === 'histogram');
    expect((metric.buckets ?? []).toSorted((a, b) => a - b)).toEqual([...(metric.buckets ?? [])]);
  });

  it('names each metric once', () => {
    expect(new Set(catalogue.map(({ name }) => name)).size).toBe(catalogue.length);
  });
});

describe('a scrape', () => {
  it('shows every metric of the catalogue with its help and type', async () => {
    const registry = new Registry();
    createMetrics(registry);
    registerFoldedMetrics(registry, () => nothing);
    const text = await registry.metrics();
    for (const { name, help, type } of catalogue) expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
  });

  it('shows what the process counted', async () => {
    const registry = new Registry();
    const metrics = createMetrics(registry);
    metrics.deliveries.labels({ consumer: 'planner-react', result: 'ack' }).inc();
    metrics.handling_seconds.labels({ consumer: 'planner-react' }).observe(0.003);
    const text = await registry.metrics();
    expect(text).toContain('baton_deliveries_total{consumer="planner-react",result="ack"} 1');
    expect(text).toContain('baton_handling_seconds_bucket{le="0.005",consumer="planner-react"} 1');
  });

  it('shows a fold as it is now, and the same however often it is read', async () => {
    const registry = new Registry();
    const review = emptyHistogram('step_seconds');
    for (const seconds of [0.5, 1, 20, 1e9]) observe('step_seconds', review, seconds);
    registerFoldedMetrics(registry, () => ({
      ...nothing,
      missions: [{ labels: { status: 'running' }, value: 3 }],
      gates: [{ labels: { tier: 'gate', outcome: 'granted' }, value: 2 }],
      step_seconds: [{ labels: { step: 'review' }, value: review }],
    }));
    const text = await registry.metrics();
    expect(await registry.metrics()).toBe(text);
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        'baton_missions{status="running"} 3',
        'baton_gates_total{tier="gate",outcome="granted"} 2',
        'baton_step_seconds_bucket{step="review",le="1"} 2',
        'baton_step_seconds_bucket{step="review",le="15"} 2',
        'baton_step_seconds_bucket{step="review",le="60"} 3',
        'baton_step_seconds_bucket{step="review",le="+Inf"} 4',
        'baton_step_seconds_sum{step="review"} 1000000021.5',
        'baton_step_seconds_count{step="review"} 4',
      ]),
    );
  });
});
