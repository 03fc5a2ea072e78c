/** What an event is told with: one sentence, and what it rests on. */
import type { EventRecord } from '@baton/contracts';
import { oneLine, shortHash } from '../format.ts';

/** Of a reason, in the line that tells the end. */
const REASON_CHARS_MAX = 400;

export interface Told {
  readonly who: string;
  readonly what: string;
  /** What it rests on: checks with their exit codes, digests, faults. */
  readonly evidence: readonly string[];
  readonly tone: 'plain' | 'good' | 'bad' | 'attention';
}

export const told = (event: EventRecord, what: string, evidence: readonly string[] = [], tone: Told['tone'] = 'plain'): Told => ({
  who: event.meta.actor.id,
  what,
  evidence,
  tone,
});

export const content = (digest: string): string => `content ${shortHash(digest)}`;
export const reason = (data: { readonly reason: string }): string => oneLine(data.reason, REASON_CHARS_MAX);
