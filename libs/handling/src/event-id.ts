/** The same cause gives the same event id, so that nothing can be recorded twice, and the events of one mission lie together in the index of ids. */
import { hash } from 'node:crypto';

const NAMESPACE = Buffer.from('6f1c5f5e0b0a5d0d9a3f2f7c4b61a7e2', 'hex').toString('latin1');

/** One-shot hashing over one buffer: this runs for every event. */
const digestOfText = (text: string): string =>
  hash('sha1', Buffer.concat([Buffer.from(NAMESPACE, 'latin1'), Buffer.from(text, 'utf8')]), 'hex');
const withVariant = (hex: string): string => ((Number.parseInt(hex, 16) & 0x3) | 0x8).toString(16);

/** RFC 9562 uuid v5 of any text, in Baton's namespace. */
export function uuidOf(text: string): string {
  const digest = digestOfText(text);
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-${withVariant(digest[16]!)}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}

/**
 * RFC 9562 uuid v8 (ADR 0022): 48 bits of what the event belongs to, its mission, and 74 of its cause, stream and place. With ids that
 * lie anywhere, each event of a large log would write a page of the index that nobody else has just written.
 */
export function eventId(correlation_id: string, causation_id: string, stream: string, ordinal: number): string {
  const mission = digestOfText(correlation_id);
  const own = digestOfText(`${causation_id}\n${stream}\n${ordinal}`);
  return `${mission.slice(0, 8)}-${mission.slice(8, 12)}-8${own.slice(0, 3)}-${withVariant(own[3]!)}${own.slice(4, 7)}-${own.slice(7, 19)}`;
}

/** The mission that an idempotency key stands for, on every way in and for ever. */
export const missionIdOf = (idempotency_key: string): string => uuidOf(`mission\n${idempotency_key}`);
