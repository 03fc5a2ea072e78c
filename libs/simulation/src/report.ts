/** What many runs went through, as a person wants to read it. */
import { EXPECTED, WAYS_BACK } from './coverage.ts';
import { FAULTS } from './faults.ts';
import type { Simulated } from './simulation.ts';

export interface Tally {
  seeds: number;
  events: number;
  steps: number;
  readonly counts: Map<string, number>;
}

export const newTally = (): Tally => ({ seeds: 0, events: 0, steps: 0, counts: new Map() });

export function addTo(tally: Tally, { events, steps, counts }: Simulated): void {
  tally.seeds += 1;
  tally.events += events;
  tally.steps += steps;
  for (const [key, times] of counts) tally.counts.set(key, (tally.counts.get(key) ?? 0) + times);
}

/** What never occurred although it should have. */
export const missing = ({ counts }: Tally): readonly string[] => EXPECTED.filter((key) => !counts.has(key));

const SECTIONS: readonly (readonly [prefix: string, title: string])[] = [
  ['end', 'Missions ended as'],
  ['fault', 'Faults'],
  ['way', 'Ways back'],
  ['cancel-after', 'Cancelled after'],
  ['person', 'People who were asked'],
  ['agent', 'Attempts by agents'],
  ['refused', 'Refused, because'],
  ['letter', 'Dead letters'],
  ['relay', 'Relay'],
  ['event', 'Events'],
];
const MEANINGS: Readonly<Record<string, string>> = { ...FAULTS, ...WAYS_BACK };
const NUMBER_WIDTH = 9;
const SEEDS_FOR_ALL = 300;

export function report(tally: Tally, ms: number): string {
  const per_second = (count: number): string => (count / (ms / 1_000)).toFixed(0);
  const lines = [
    `${tally.seeds} seeds in ${(ms / 1_000).toFixed(1)} s (${per_second(tally.seeds)} seeds/s), ${tally.events} events (${per_second(tally.events)}/s), ${tally.steps} steps`,
  ];
  for (const [prefix, title] of SECTIONS) {
    const found = [...tally.counts].filter(([key]) => key.startsWith(`${prefix}:`)).toSorted(([, one], [, other]) => other - one);
    if (found.length === 0) continue;
    lines.push('', title);
    for (const [key, times] of found) {
      const name = key.slice(prefix.length + 1);
      const meaning = MEANINGS[name] ?? '';
      lines.push(`${String(times).padStart(NUMBER_WIDTH)}  ${meaning === '' ? name : `${name.padEnd(28)}${meaning}`}`);
    }
  }
  // A few seeds cannot meet everything.
  if (tally.seeds < SEEDS_FOR_ALL) return lines.join('\n');
  const never = missing(tally);
  lines.push(
    '',
    never.length === 0 ? `All ${EXPECTED.length} things that should occur did.` : `Did not occur: ${never.join(', ')}`,
  );
  return lines.join('\n');
}
