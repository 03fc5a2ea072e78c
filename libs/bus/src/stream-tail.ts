/** The stream is there and is a copy of the beginning of the log; where it is not, nobody may publish. */
import { CONSUMERS, EVENT_STREAM } from '@baton/contracts';
import type { EventLog, Watermarks } from '@baton/ports';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { CONSUMER_NAMES, ensureTopology, streamInfo } from './ensure-topology.ts';

/** Answers that take longer were lost with a connection. */
const API = { checkAPI: false, timeout: 2_000 };

export type StreamTail =
  /** The log goes on behind this position. */
  | { readonly status: 'follows'; readonly position: number; readonly head: number; readonly created: readonly string[] }
  /** The stream holds what the log does not: the database was restored to an earlier time, or it is another log's stream. */
  | { readonly status: 'broker-ahead'; readonly sequence: number; readonly head: number; readonly cause: string };

export interface TailOptions {
  readonly connection: NatsConnection;
  readonly log: Pick<EventLog, 'readAfter' | 'head'>;
  readonly watermarks: Pick<Watermarks, 'read'>;
  readonly replicas: number;
}

/** Every event up to here has been handled by every consumer: what a new stream need not hold. */
export function lowestWatermark(watermarks: ReadonlyMap<string, number>): number {
  return Math.min(
    ...CONSUMER_NAMES.filter((name) => CONSUMERS[name].stream === EVENT_STREAM).map((name) => watermarks.get(name) ?? 0),
  );
}

/** Makes what is missing, so that nothing unhandled is skipped, and compares the last message with the log. */
export async function inspectTail({ connection, log, watermarks, replicas }: TailOptions): Promise<StreamTail> {
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
  const cause = info.state.messages > 0 ? await differenceAt(sequence, manager, log) : null;
  if (cause !== null) return { status: 'broker-ahead', sequence, head, cause };
  return { status: 'follows', position: sequence, head, created };
}

async function differenceAt(
  sequence: number,
  manager: JetStreamManager,
  log: Pick<EventLog, 'readAfter'>,
): Promise<string | null> {
  const message = await manager.direct.getMessage(EVENT_STREAM, { seq: sequence });
  const [event] = await log.readAfter(sequence - 1, 1);
  const id = message?.header.get('ce-id');
  if (!id || event?.id === id) return null;
  return `message ${sequence} of the stream is event ${id}, position ${sequence} of the log is event ${event?.id ?? 'none'}`;
}
