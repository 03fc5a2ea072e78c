/** The stream is there and is a copy of the beginning of the log; where it is not, nobody may publish. */
import { CONSUMERS, EVENT_STREAM, INBOUND_STREAM, type StoredEvent } from '@baton/contracts';
import type { EventLog, Watermarks } from '@baton/ports';
import { jetstreamManager, type JetStreamManager, type StoredMsg, type StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { encodeEvent } from './cloud-event.ts';
import { CONSUMER_NAMES, ensureTopology, streamInfo } from './ensure-topology.ts';

/** Messages that are compared with the log at a look: as many as a relay that was not the last to publish may have missed. */
const COMPARED_MAX = 500;
/** Answers that take longer were lost with a connection. */
const API = { checkAPI: false, timeout: 2_000 };

export type StreamTail =
  /** The log goes on behind this position. */
  | {
      readonly status: 'follows';
      readonly position: number;
      readonly head: number;
      readonly created: readonly string[];
      readonly streams: readonly StreamInfo[];
    }
  /** The stream holds what the log does not: the database was restored to an earlier time, or it is another log's stream. */
  | { readonly status: 'broker-ahead'; readonly sequence: number; readonly head: number; readonly cause: string };

export interface TailOptions {
  readonly connection: NatsConnection;
  readonly log: Pick<EventLog, 'readAfter' | 'head'>;
  readonly watermarks: Pick<Watermarks, 'read'>;
  readonly replicas: number;
  /** Up to here the stream is known to be a copy: what comes behind it is compared. */
  readonly known_position?: number;
}

/** Every event up to here has been handled by every consumer: what a new stream need not hold. */
export function lowestWatermark(watermarks: ReadonlyMap<string, number>): number {
  return Math.min(
    ...CONSUMER_NAMES.filter((name) => CONSUMERS[name].stream === EVENT_STREAM).map((name) => watermarks.get(name) ?? 0),
  );
}

/** Makes what is missing, so that nothing unhandled is skipped, and compares the last message with the log. */
export async function inspectTail({
  connection,
  log,
  watermarks,
  replicas,
  known_position = 0,
}: TailOptions): Promise<StreamTail> {
  const kept = await watermarks.read();
  const { created } = await ensureTopology(connection, {
    replicas,
    event_stream_first_sequence: lowestWatermark(kept) + 1,
    consumer_start: kept,
    only_missing: true,
  });
  const manager = await jetstreamManager(connection, API);
  const info = await streamInfo(manager, EVENT_STREAM);
  if (!info) throw new Error(`stream ${EVENT_STREAM} is gone again`);
  const sequence = info.state.last_seq;
  // The head last: the log only grows, so a stream that is ahead of it now was ahead all the time.
  const { position: head } = await log.head();
  if (sequence > head)
    return { status: 'broker-ahead', sequence, head, cause: `the stream ends at ${sequence}, the log at ${head}` };
  const first = Math.min(sequence, Math.max(known_position + 1, sequence - COMPARED_MAX + 1, info.state.first_seq));
  const cause = info.state.messages > 0 ? await firstDifference(first, sequence, manager, log) : null;
  if (cause !== null) return { status: 'broker-ahead', sequence, head, cause };
  const inbound = await streamInfo(manager, INBOUND_STREAM);
  return { status: 'follows', position: sequence, head, created, streams: inbound ? [info, inbound] : [info] };
}

/** By what is said and done with an event, not by its id alone: ids can be foretold. Null = all are true copies. */
async function firstDifference(
  first: number,
  last: number,
  manager: JetStreamManager,
  log: Pick<EventLog, 'readAfter'>,
): Promise<string | null> {
  const events = await log.readAfter(first - 1, last - first + 1);
  for (let sequence = first; sequence <= last; sequence++) {
    const message = await manager.direct.getMessage(EVENT_STREAM, { seq: sequence });
    const event = events[sequence - first];
    if (!message || (event && isCopy(message, event))) continue;
    const id = message.header.get('ce-id');
    const says = event ? `event ${event.id}` : 'none';
    return `message ${String(sequence)} of the stream is event ${id === '' ? 'without an id' : id}, position ${String(sequence)} of the log is ${says}${event?.id === id ? ' with other content' : ''}`;
  }
  return null;
}

const COMPARED_HEADERS = ['ce-id', 'ce-type', 'ce-subject', 'ce-streamversion', 'ce-sequence'];

function isCopy(message: StoredMsg, event: StoredEvent): boolean {
  const { subject, headers, payload } = encodeEvent(event);
  return (
    message.subject === subject &&
    COMPARED_HEADERS.every((name) => message.header.get(name) === headers[name]) &&
    message.string() === payload
  );
}
