/** I5: everything that the metrics service has folded, against a fold of what the auditor reads. */
import type { EventRecord } from '@baton/contracts';
import { deliveryFold, FOLDED } from '@baton/metrics';
import { CATALOGUE, registerFoldedMetrics, Registry } from '@baton/telemetry';
import type { Baton } from '../baton.ts';

const NAMES: readonly string[] = Object.values(CATALOGUE)
  .filter(({ source }) => source === 'fold')
  .map(({ name }) => name);
const SAMPLE = /^(?<name>[a-z_]+?)(?:_bucket|_sum|_count)?(?:\{(?<labels>.*)\})? (?<value>\S+)$/;

/** Its samples alone, as a fold has them: in the order of their names, without the labels that say whose they are. */
function samplesOf(shown: string): readonly string[] {
  return shown
    .split('\n')
    .filter((line) => NAMES.includes(SAMPLE.exec(line)?.groups?.['name'] ?? ''))
    .toSorted();
}

export async function foldedBy({ stack }: Pick<Baton, 'stack'>): Promise<readonly string[]> {
  const { metrics } = (await stack()).services;
  return samplesOf(await (await fetch(`${metrics}/metrics`)).text());
}

export async function foldOf(events: readonly EventRecord[]): Promise<readonly string[]> {
  const fold = deliveryFold();
  for (const event of events) if (FOLDED.has(event.type)) fold.apply(event);
  const registry = new Registry();
  registerFoldedMetrics(registry, fold.series);
  return samplesOf(await registry.metrics());
}

export function differences(shown: readonly string[], right: readonly string[]): readonly string[] {
  const [are, should] = [new Set(shown), new Set(right)];
  return [
    ...shown.filter((line) => !should.has(line)).map((line) => `metrics has ${line}`),
    ...right.filter((line) => !are.has(line)).map((line) => `the log has ${line}`),
  ];
}
