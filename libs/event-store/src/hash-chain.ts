/** Each event's hash covers everything before it: whoever knows the head's hash knows whether anything was changed. */
import { createHash } from 'node:crypto';
import type { StoredEvent } from '@baton/contracts';

/** Hash of the empty log. */
export const GENESIS_HASH = '0'.repeat(64);

/** sha256 over the previous hash (bytes) and eight fields, one per line: no field has a line break. */
export function hashOf(previous_hash: string, event: Omit<StoredEvent, 'hash'>): string {
  const text = `${String(event.position)}\n${event.stream}\n${String(event.version)}\n${event.id}\n${event.type}\n${String(microseconds(event.recorded_at))}\n${event.meta}\n${event.data}`;
  return createHash('sha256').update(previous_hash, 'hex').update(text, 'utf8').digest('hex');
}

const MILLISECONDS_END = '2026-11-21T00:01:31.123'.length;

/** Since 1970, of `2026-11-21T00:01:31.123456Z`. */
export const microseconds = (recorded_at: string): number =>
  Date.parse(`${recorded_at.slice(0, MILLISECONDS_END)}Z`) * 1_000 + Number(recorded_at.slice(MILLISECONDS_END, -1));

/** The inverse of `microseconds`. */
export const recordedAt = (us: number): string =>
  `${new Date(Math.floor(us / 1_000)).toISOString().slice(0, -1)}${String(us % 1_000).padStart(3, '0')}Z`;
