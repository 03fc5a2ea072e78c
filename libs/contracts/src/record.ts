/** From bytes to a typed event: the one place where an event's texts are parsed, checked and (later) upcast. */
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
  const parsed = known.schema.safeParse(json(data, `data of ${type}`));
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    throw new UnreadableEvent('invalid', `data of ${type} does not fit its schema: ${faults}`);
  }
  return { type, data: parsed.data } as BatonEvent;
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
