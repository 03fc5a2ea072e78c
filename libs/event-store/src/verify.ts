/** Proves that a log is whole: no position or version missing, every hash right, and the head where the events end. */
import type { StoredEvent } from '@baton/contracts';
import type { EventLog, Head } from '@baton/ports';
import { GENESIS_HASH, hashOf } from './hash-chain.ts';

export interface Verified {
  /** Events that are right, from position 1 on. */
  readonly checked: number;
  readonly head: Head;
  /** Absent = the log is whole. */
  readonly first_bad?: { readonly position: number; readonly problem: string };
}

const PAGE_EVENTS = 1_000;
/** Postgres: data_corrupted, index_corrupted. */
const DAMAGED_CODES: ReadonlySet<string> = new Set(['XX001', 'XX002']);

/** Everything up to the head at the time of the call; the log may grow meanwhile. `seen` is told each event that is right. */
export async function verifyLog(
  log: Pick<EventLog, 'readAfter' | 'head'>,
  seen: (event: StoredEvent) => void = () => undefined,
): Promise<Verified> {
  const head = await log.head();
  const versions = new Map<string, number>();
  let checked = 0;
  let hash = GENESIS_HASH;
  const bad = (position: number, problem: string): Verified => ({ checked, head, first_bad: { position, problem } });

  while (checked < head.position) {
    const page = await readable(log, checked, Math.min(PAGE_EVENTS, head.position - checked));
    if ('problem' in page) return bad(checked + 1, page.problem);
    if (page.length === 0) return bad(checked + 1, `missing: the head says ${String(head.position)} events`);
    for (const event of page) {
      const problem = problemOf(event, checked + 1, versions.get(event.stream) ?? 0, hash);
      if (problem !== null) return bad(checked + 1, problem);
      versions.set(event.stream, event.version);
      hash = event.hash;
      checked++;
      seen(event);
    }
  }
  if (hash !== head.hash) return bad(checked, `the head has hash ${head.hash}, this event ${hash}`);
  const beyond = await log.readAfter(head.position, 1);
  // Events beyond the head are right only if the head has moved on with them.
  if (beyond.length > 0 && (await log.head()).position === head.position)
    return bad(head.position + 1, `beyond the head, which says ${String(head.position)} events`);
  return { checked, head };
}

/** As many events of a page as the disk gives back whole; where it is not even one, what Postgres says of it. */
async function readable(
  log: Pick<EventLog, 'readAfter'>,
  after: number,
  limit: number,
): Promise<readonly StoredEvent[] | { readonly problem: string }> {
  try {
    return await log.readAfter(after, limit);
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (!DAMAGED_CODES.has(code ?? '')) throw error;
    return limit === 1 ? { problem: `cannot be read: ${message}` } : readable(log, after, Math.floor(limit / 2));
  }
}

function problemOf(event: StoredEvent, position: number, previous_version: number, previous_hash: string): string | null {
  if (event.position !== position) return `missing: the next event is at ${String(event.position)}`;
  if (event.version !== previous_version + 1)
    return `version ${String(event.version)} of ${event.stream} follows version ${String(previous_version)}`;
  const expected = hashOf(previous_hash, event);
  return event.hash === expected ? null : `hash is ${event.hash}, its content and the event before make ${expected}`;
}
