/** The same cause gives the same event id, so that nothing can be recorded twice: uuid v5 over causation, stream and ordinal. */
import { hash } from 'node:crypto';

const NAMESPACE = Buffer.from('6f1c5f5e0b0a5d0d9a3f2f7c4b61a7e2', 'hex').toString('latin1');

/** RFC 9562 uuid v5 of any text, in Baton's namespace. */
export function uuidOf(text: string): string {
  // One-shot hashing over one buffer: this runs for every event.
  const digest = hash('sha1', Buffer.concat([Buffer.from(NAMESPACE, 'latin1'), Buffer.from(text, 'utf8')]), 'hex');
  const variant = ((Number.parseInt(digest[16]!, 16) & 0x3) | 0x8).toString(16);
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}

export const eventId = (causation_id: string, stream: string, ordinal: number): string =>
  uuidOf(`${causation_id}\n${stream}\n${ordinal}`);

/** The mission that an idempotency key stands for, on every way in and for ever. */
export const missionIdOf = (idempotency_key: string): string => uuidOf(`mission\n${idempotency_key}`);
