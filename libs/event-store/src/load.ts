/** A stream's events, oldest first, however many there are. */
import type { StoredEvent } from '@baton/contracts';
import type { Ask } from './connections.ts';

const LOAD_STREAM = `
  SELECT position, stream, version, id, type,
         to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS recorded_at,
         meta, data, encode(hash, 'hex') AS hash
  FROM baton.load_stream($1::text, $2::integer, $3::integer)`;

/** Nearly every stream fits in one page; events are small, so a page is a few megabytes at the very most. */
const PAGE_EVENTS = 1_000;

export async function loadStream(ask: Ask, stream: string, after_version: number): Promise<readonly StoredEvent[]> {
  const first = await loadPage(ask, stream, after_version, PAGE_EVENTS);
  if (first.length < PAGE_EVENTS) return first;
  const events = [...first];
  for (let page = first; page.length === PAGE_EVENTS;) {
    page = await loadPage(ask, stream, after_version + events.length, PAGE_EVENTS);
    events.push(...page);
  }
  return events;
}

export const loadPage = (ask: Ask, stream: string, after_version: number, limit: number): Promise<StoredEvent[]> =>
  ask<StoredEvent>({ name: 'load-stream', text: LOAD_STREAM, values: [stream, after_version, limit] });
