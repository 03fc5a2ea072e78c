/**
 * An event of the log is a CloudEvents 1.0 message in binary mode, and the same event comes out again: the attributes are
 * `ce-` headers, the body is the event's data byte for byte as it was stored.
 *
 * Every event passes here twice: no attribute is parsed that nobody asked for.
 */
import {
  EVENT_TYPES,
  SERVICES,
  UnreadableEvent,
  categoryOf,
  describeEvent,
  metaSchema,
  parseData,
  subjectOf,
  type Actor,
  type EventMeta,
  type EventRecord,
  type EventType,
  type ToldEvent,
} from '@baton/contracts';

export type Headers = Readonly<Record<string, string>>;

export interface BusMessage {
  readonly subject: string;
  readonly headers: Headers;
  readonly payload: string;
}

/** Header that JetStream deduplicates by, within the stream's window. */
export const MESSAGE_ID_HEADER = 'Nats-Msg-Id';
/** Header that the in-process order of deliveries goes by. */
export const CORRELATION_HEADER = 'ce-correlationid';
const SEQUENCE_DIGITS = 20;

/** Escaped by the specification: space, `"`, `%` and everything that is not printable ASCII; so no value ever breaks a line. */
const ESCAPED = /["%]|[^\x21-\x7e]/;
const ESCAPED_ALL = /["%]|[^\x21-\x7e]/gu;
export const escapeValue = (value: string): string =>
  ESCAPED.test(value) ? value.toWellFormed().replace(ESCAPED_ALL, (char) => encodeURIComponent(char)) : value;

export function unescapeValue(name: string, value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch (cause) {
    throw new UnreadableEvent('undecodable', `header ${name} is not percent-encoded UTF-8: ${value}`, { cause });
  }
}

const AUTH_TYPES = { service: 'service_account', person: 'user', system: 'system' } as const satisfies Record<
  Actor['kind'],
  string
>;
const ACTOR_KINDS: ReadonlyMap<string, Actor['kind']> = new Map([
  ['service_account', 'service'],
  ['user', 'person'],
  ['system', 'system'],
]);

const OWNERS: ReadonlyMap<string, string> = new Map(
  Object.entries(SERVICES).flatMap(([service, { appends }]) => appends.map((category) => [category, service] as const)),
);

interface Naming {
  readonly subject: string;
  readonly source: string;
  /** `<category>.<event-kebab>` */
  readonly name: string;
}
const namings = new Map<string, Naming>();

const UNKNOWN_TYPE_CHARS_MAX = 100;
/** Whatever a type of event is called, its message can be published: the log must not be held up by a name. */
const tokenOf = (type: string): string =>
  type
    .slice(0, UNKNOWN_TYPE_CHARS_MAX)
    .replace(/(?<=[a-z0-9])(?=[A-Z])/g, '-')
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, '-') || '-';

/** Also for types that only a newer release knows: the relay copies what is in the log, whatever it is. */
function namingOf(type: string, stream: string): Naming {
  const known = namings.get(type);
  if (known) return known;
  const category = describeEvent(type)?.category ?? categoryOf(stream);
  const subject = describeEvent(type) ? subjectOf(type as EventType) : `baton.event.${category}.${tokenOf(type)}`;
  const naming = { subject, source: `/baton/${OWNERS.get(category) ?? 'unknown'}`, name: subject.slice('baton.event.'.length) };
  // Only declared types are kept: what else is in the log has no bound.
  if (describeEvent(type)) namings.set(type, naming);
  return naming;
}

const TYPES: ReadonlyMap<string, EventType> = new Map(EVENT_TYPES.map((type) => [`baton.${namingOf(type, '').name}`, type]));

/** A stored event as the message that is published. Meta that cannot be read is left out: then its consumers park the message. */
export function encodeEvent(stored: ToldEvent): BusMessage {
  const { subject, source, name } = namingOf(stored.type, stored.stream);
  const headers: Record<string, string> = {
    [MESSAGE_ID_HEADER]: escapeValue(stored.id),
    'ce-specversion': '1.0',
    'ce-id': escapeValue(stored.id),
    'ce-source': source,
    'ce-subject': escapeValue(stored.stream),
    'ce-time': escapeValue(stored.recorded_at),
    'ce-sequence': String(stored.position).padStart(SEQUENCE_DIGITS, '0'),
    'ce-streamversion': String(stored.version),
    'ce-datacontenttype': 'application/json',
  };
  addMeta(headers, name, readMeta(stored.meta));
  return { subject, headers, payload: stored.data };
}

function readMeta(text: string): EventMeta | null {
  try {
    return metaSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function addMeta(headers: Record<string, string>, name: string, meta: EventMeta | null): void {
  headers['ce-type'] = `baton.${name}.v${meta?.schema_version ?? 0}`;
  if (!meta) return;
  const mission = escapeValue(meta.correlation_id);
  headers['ce-dataschema'] = `urn:baton:schema:${name}:v${meta.schema_version}`;
  headers[CORRELATION_HEADER] = mission;
  headers['ce-partitionkey'] = mission;
  headers['ce-causationid'] = escapeValue(meta.causation_id);
  headers['ce-authtype'] = AUTH_TYPES[meta.actor.kind];
  headers['ce-authid'] = escapeValue(meta.actor.id);
  if (meta.traceparent !== undefined) headers['ce-traceparent'] = escapeValue(meta.traceparent);
  if (meta.tracestate !== undefined) headers['ce-tracestate'] = escapeValue(meta.tracestate);
  if (meta.sealed !== undefined) headers['ce-sealed'] = escapeValue(JSON.stringify(meta.sealed));
}

/** The event in a message. Throws UnreadableEvent. */
export function decodeEvent(headers: Headers, body: string): EventRecord {
  const { type, schema_version } = typeOf(need(headers, 'ce-type'));
  const meta = metaOf(headers, schema_version);
  return {
    ...parseData(type, schema_version, body),
    id: need(headers, 'ce-id'),
    stream: need(headers, 'ce-subject'),
    version: count(headers, 'ce-streamversion'),
    position: count(headers, 'ce-sequence'),
    recorded_at: need(headers, 'ce-time'),
    meta,
  };
}

function typeOf(ce_type: string): { type: EventType; schema_version: number } {
  const dot = ce_type.lastIndexOf('.v');
  const schema_version = Number(ce_type.slice(dot + 2));
  if (dot < 0 || !Number.isInteger(schema_version))
    throw new UnreadableEvent('invalid', `ce-type "${ce_type}" does not end in .v<version>`);
  const type = TYPES.get(ce_type.slice(0, dot));
  if (!type)
    throw new UnreadableEvent('unknown-type', `no event type "${ce_type}" is known here; a newer release may have written it`);
  return { type, schema_version };
}

function metaOf(headers: Headers, schema_version: number): EventMeta {
  const sealed = maybe(headers, 'ce-sealed');
  const meta = metaSchema.safeParse({
    schema_version,
    correlation_id: need(headers, CORRELATION_HEADER),
    causation_id: need(headers, 'ce-causationid'),
    actor: { kind: ACTOR_KINDS.get(need(headers, 'ce-authtype')), id: need(headers, 'ce-authid') },
    traceparent: maybe(headers, 'ce-traceparent'),
    tracestate: maybe(headers, 'ce-tracestate'),
    sealed: sealed === undefined ? undefined : parseSealed(sealed),
  });
  if (meta.success) return meta.data;
  throw new UnreadableEvent(
    'invalid',
    `envelope does not fit: ${meta.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`,
  );
}

function parseSealed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UnreadableEvent('undecodable', 'header ce-sealed is not JSON', { cause });
  }
}

function maybe(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return value === undefined ? undefined : unescapeValue(name, value);
}

function need(headers: Headers, name: string): string {
  const value = maybe(headers, name);
  if (value === undefined) throw new UnreadableEvent('invalid', `header ${name} is missing`);
  return value;
}

function count(headers: Headers, name: string): number {
  const text = need(headers, name);
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1)
    throw new UnreadableEvent('invalid', `header ${name} is not a count: "${text}"`);
  return value;
}
