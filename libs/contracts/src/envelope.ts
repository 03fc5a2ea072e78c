/**
 * Every event ever written has this shape, so that nothing released ever has to be rewritten.
 *
 * An event is stored as two texts: `meta` (this file's `EventMeta`, as JSON) and `data` (the event's own fields, as
 * JSON). Both are kept, hashed and published byte for byte as they were appended.
 */
import { z } from 'zod';

/** Who caused an event: a service by itself, or a person through an edge. */
export const actorSchema = z.object({
  kind: z.enum(['service', 'person', 'system']),
  id: z.string().min(1).max(200),
});
export type Actor = z.infer<typeof actorSchema>;

/** Fields of `data` that are encrypted with a key per mission: JSON pointers, and the key's id. Erasing = dropping the key. */
export const sealedSchema = z.object({
  algorithm: z.literal('aes-256-gcm'),
  key_id: z.string().min(1).max(200),
  pointers: z.array(z.string().startsWith('/')).min(1).max(100),
});
export type Sealed = z.infer<typeof sealedSchema>;

export const metaSchema = z.object({
  /** Version of this event type's `data`; old versions are upcast on read. */
  schema_version: z.number().int().min(1),
  /** The mission this belongs to. */
  correlation_id: z.string().min(1).max(200),
  /** Id of the event or the request that this is the answer to. */
  causation_id: z.string().min(1).max(200),
  actor: actorSchema,
  /** W3C trace context of the span that appended it. */
  traceparent: z.string().max(64).optional(),
  tracestate: z.string().max(512).optional(),
  sealed: sealedSchema.optional(),
});
export type EventMeta = z.infer<typeof metaSchema>;

/** An event that is about to be appended. `meta` and `data` are JSON texts without line breaks. */
export interface NewEvent {
  /** uuid; derived from causation, stream and ordinal, so that the same cause cannot be recorded twice. */
  readonly id: string;
  /** PascalCase, past tense: `MissionAccepted`. */
  readonly type: string;
  readonly meta: string;
  readonly data: string;
}

/** An event as the log holds it. */
export interface StoredEvent extends NewEvent {
  /** 1..N over the whole log, without gaps; also the sequence of its message on the bus. */
  readonly position: number;
  /** `<aggregate>-<id>`. */
  readonly stream: string;
  /** 1..n within the stream, without gaps. */
  readonly version: number;
  /** Clock of Postgres: UTC, ISO 8601 with microseconds, e.g. `2026-11-21T00:01:31.123456Z`. */
  readonly recorded_at: string;
  /** sha256 (hex) over the previous event's hash and every field above; see `hash-chain.ts` in the event store. */
  readonly hash: string;
}

/** An event as it is told right after its commit, to whoever copies it: all but its hash. */
export type ToldEvent = Omit<StoredEvent, 'hash'>;
