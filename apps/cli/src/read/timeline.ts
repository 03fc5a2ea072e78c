/** What happened to a mission, told to a person: when, who, what, and the evidence for it. */
import type { EventRecord } from '@baton/contracts';
import { colour, duration, harmless, oneLine } from '../format.ts';
import { tell } from './tell.ts';

const TONES = { plain: (text: string) => text, good: colour.green, bad: colour.red, attention: colour.yellow } as const;
const WHEN_CHARS = 9;
const WHO_CHARS = 14;

/** One event as it stands in a timeline: `+1.23 s  executor   task x is done` and its evidence below. */
export function timelineEntry(event: EventRecord, since_ms: number, with_evidence = true): string {
  const { who, what, evidence, tone } = tell(event);
  const when = `+${duration(Date.parse(event.recorded_at) - since_ms)}`.padStart(WHEN_CHARS);
  const margin = ' '.repeat(WHEN_CHARS + WHO_CHARS + 4);
  const below = with_evidence ? evidence.map((line) => `\n${margin}${colour.dim(harmless(line))}`).join('') : '';
  return `${colour.dim(when)}  ${colour.cyan(oneLine(who, WHO_CHARS).padEnd(WHO_CHARS))}  ${TONES[tone](harmless(what))}${below}`;
}

export const startOf = (events: readonly EventRecord[]): number => Date.parse(events[0]?.recorded_at ?? '');
