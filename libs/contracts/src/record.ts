/** From bytes to a typed event: the one place where an event's texts are parsed, checked and (later) upcast. */
import type { z } from 'zod';
import { metaSchema, type EventMeta, type StoredEvent } from './envelope.ts';
import { describeEvent, type BatonEvent } from './events.ts';

/** An event with its data parsed, typed by its `type`. */
export type EventRecord<E extends BatonEvent = BatonEvent> = E & {
  readonly id: string;
  readonly stream: string;
  readonly version: number;
  readonly position: number;
  readonly recorded_at: string;
  readonly meta: EventMeta;
};

/** What came is not an event that this release knows; `kind` says what to do with it (see the dead-letter reasons). */
export class UnreadableEvent extends Error {
  override readonly name = 'UnreadableEvent';
  constructor(
    readonly kind: 'undecodable' | 'invalid' | 'unknown-type',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const json = (text: string, what: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UnreadableEvent('undecodable', `${what} is not JSON: ${(cause as Error).message}`, { cause });
  }
};

/** Parses the data of an event whose envelope is known. Throws UnreadableEvent. */
export function parseData(type: string, schema_version: number, data: string): BatonEvent {
  const known = describeEvent(type);
  if (!known)
    throw new UnreadableEvent('unknown-type', `no event type "${type}" is known here; a newer release may have written it`);
  if (schema_version > known.version)
    throw new UnreadableEvent('unknown-type', `"${type}" has version ${schema_version}, this release knows ${known.version}`);
  const value = json(data, `data of ${type}`);
  let parsed = known.schema.safeParse(value);
  // Parts that people write are strict, so that they are told of what nobody reads; what a newer release adds is passed over.
  if (!parsed.success && withoutUnknown(value, parsed.error.issues)) parsed = known.schema.safeParse(value);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    throw new UnreadableEvent('invalid', `data of ${type} does not fit its schema: ${faults}`);
  }
  return { type, data: parsed.data } as BatonEvent;
}

/** Takes away what is there too much; false = something else is wrong as well, or nothing. */
function withoutUnknown(value: unknown, issues: readonly z.core.$ZodIssue[]): boolean {
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') return false;
    let at = value as Record<PropertyKey, unknown>;
    for (const name of issue.path) at = at[name] as Record<PropertyKey, unknown>;
    for (const key of issue.keys) delete at[key];
  }
  return issues.length > 0;
}

/** A stored event, parsed. Throws UnreadableEvent. */
export function parseStored(stored: StoredEvent): EventRecord {
  const meta = metaSchema.safeParse(json(stored.meta, `meta of ${stored.type} at position ${stored.position}`));
  if (!meta.success)
    throw new UnreadableEvent(
      'invalid',
      `meta of ${stored.type} at position ${stored.position} does not fit: ${meta.error.message}`,
    );
  const { id, stream, version, position, recorded_at } = stored;
  return {
    ...parseData(stored.type, meta.data.schema_version, stored.data),
    id,
    stream,
    version,
    position,
    recorded_at,
    meta: meta.data,
  };
}
