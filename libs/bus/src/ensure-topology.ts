/** The bus has the streams and the durable consumers that the contracts name, with exactly those properties. */
import {
  ACK_WAIT_MS,
  CONSUMERS,
  EVENT_STREAM,
  STREAMS,
  filterSubjects,
  type ConsumerName,
  type StreamName,
} from '@baton/contracts';
import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
  jetstreamManager,
  type ConsumerConfig,
  type ConsumerInfo,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/nats-core';

export interface TopologyOptions {
  /** Copies of each stream: 1 on a laptop, 3 in a cluster. */
  readonly replicas: number;
  /** First sequence of an event stream that has to be made: the lowest watermark + 1. */
  readonly event_stream_first_sequence?: number;
  /** Consumer → position it has handled already; a durable that has to be made starts behind it. */
  readonly consumer_start?: ReadonlyMap<string, number>;
  /** True = touch nothing that exists: all that the relay is allowed to do. */
  readonly only_missing?: boolean;
}

export interface EnsuredTopology {
  readonly created: readonly string[];
  readonly updated: readonly string[];
}

/** A stream or consumer exists with a property that cannot be changed any more. */
export class TopologyMismatch extends Error {
  override readonly name = 'TopologyMismatch';
}

/** In a cluster, the servers agree first. */
const API_TIMEOUT_MS = 10_000;
/** Somebody made it between our look and our attempt. */
const STREAM_NAME_IN_USE = 10058;
const CONSUMER_ALREADY_EXISTS = 10148;
const CONSUMER_NAME_EXISTS = 10013;

export const STREAM_NAMES = Object.keys(STREAMS) as StreamName[];
export const CONSUMER_NAMES = Object.keys(CONSUMERS) as ConsumerName[];

export function streamConfig(name: StreamName, replicas: number): Partial<StreamConfig> & { name: string } {
  const { subjects, max_age_ms, max_bytes, max_msg_bytes, duplicate_window_ms, trimmed } = STREAMS[name];
  return {
    name,
    subjects: [...subjects],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    // A full stream refuses what is new: nothing is pushed out unseen.
    discard: DiscardPolicy.New,
    max_age: nanos(max_age_ms),
    max_bytes,
    max_msg_size: max_msg_bytes,
    duplicate_window: nanos(duplicate_window_ms),
    num_replicas: replicas,
    deny_delete: true,
    // Whom the permissions let: the relay, and only where there is something to trim.
    deny_purge: !trimmed,
    allow_direct: true,
  };
}

function consumerConfig(name: ConsumerName, replicas: number, handled: number | undefined): Partial<ConsumerConfig> {
  return {
    durable_name: name,
    ack_policy: AckPolicy.Explicit,
    replay_policy: ReplayPolicy.Instant,
    ...(handled === undefined || handled === 0
      ? { deliver_policy: DeliverPolicy.All }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: handled + 1 }),
    filter_subjects: [...filterSubjects(name)],
    // The server would drop a message in silence after its last delivery; the handling parks it instead.
    ack_wait: nanos(ACK_WAIT_MS),
    max_deliver: -1,
    max_ack_pending: CONSUMERS[name].max_ack_pending,
    num_replicas: replicas,
  };
}

/** Creates what is missing and updates what differs; doing it again changes nothing. */
export async function ensureTopology(connection: NatsConnection, options: TopologyOptions): Promise<EnsuredTopology> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: API_TIMEOUT_MS });
  const done = { created: [] as string[], updated: [] as string[] };
  for (const name of STREAM_NAMES) await ensureStream(manager, name, options, done);
  for (const name of CONSUMER_NAMES) await ensureConsumer(manager, name, options, done);
  return done;
}

interface Done {
  readonly created: string[];
  readonly updated: string[];
}

async function ensureStream(manager: JetStreamManager, name: StreamName, options: TopologyOptions, done: Done): Promise<void> {
  const found = await streamInfo(manager, name);
  const made_so = streamConfig(name, options.replicas);
  // Denied by an earlier release, it is denied for good: the relay says so.
  const wanted = found?.config.deny_purge === true ? { ...made_so, deny_purge: true } : made_so;
  if (!found) {
    const first_seq = name === EVENT_STREAM ? options.event_stream_first_sequence : undefined;
    const made = await unlessMade([STREAM_NAME_IN_USE], () =>
      manager.streams.add({ ...wanted, ...(first_seq === undefined || first_seq <= 1 ? {} : { first_seq }) }),
    );
    if (made) done.created.push(name);
    return;
  }
  refuseDifferent(name, found.config, { storage: wanted.storage, retention: wanted.retention });
  if (options.only_missing || same(found.config, wanted)) return;
  await manager.streams.update(name, wanted);
  done.updated.push(name);
}

async function ensureConsumer(
  manager: JetStreamManager,
  name: ConsumerName,
  options: TopologyOptions,
  done: Done,
): Promise<void> {
  const { stream } = CONSUMERS[name];
  const handled = stream === EVENT_STREAM ? options.consumer_start?.get(name) : undefined;
  const wanted = consumerConfig(name, options.replicas, handled);
  const found = await consumerInfo(manager, stream, name);
  if (!found) {
    const made = await unlessMade([CONSUMER_ALREADY_EXISTS, CONSUMER_NAME_EXISTS], () => manager.consumers.add(stream, wanted));
    if (made) done.created.push(name);
    return;
  }
  refuseDifferent(name, found.config, { ack_policy: wanted.ack_policy, replay_policy: wanted.replay_policy });
  // Where it started is history by now.
  const { deliver_policy: _policy, opt_start_seq: _start, ...changeable } = wanted;
  if (options.only_missing || same(found.config, changeable)) return;
  const { durable_name: _name, ack_policy: _ack, replay_policy: _replay, ...update } = changeable;
  await manager.consumers.update(stream, name, update);
  done.updated.push(name);
}

export const streamInfo = (manager: JetStreamManager, name: string): Promise<StreamInfo | null> =>
  orNull(JetStreamApiCodes.StreamNotFound, () => manager.streams.info(name));

export const consumerInfo = (manager: JetStreamManager, stream: string, name: string): Promise<ConsumerInfo | null> =>
  orNull(JetStreamApiCodes.ConsumerNotFound, () => manager.consumers.info(stream, name));

async function orNull<T>(code: number, ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === code) return null;
    throw error;
  }
}

async function unlessMade(codes: readonly number[], make: () => Promise<unknown>): Promise<boolean> {
  try {
    await make();
    return true;
  } catch (error) {
    if (error instanceof JetStreamApiError && codes.includes(error.code)) return false;
    throw error;
  }
}

function refuseDifferent(name: string, found: object, wanted: Record<string, unknown>): void {
  const has = new Map(Object.entries(found));
  for (const [property, value] of Object.entries(wanted)) {
    if (has.get(property) === value) continue;
    throw new TopologyMismatch(
      `"${name}" exists on the bus with ${property} = ${String(has.get(property))} but has to have ${String(value)}, which cannot be changed: delete it (the log has everything) and provision again`,
    );
  }
}

/** True if everything that is wanted is so already; what the server fills in by itself is not compared. */
function same(found: object, wanted: object): boolean {
  const has = new Map(Object.entries(found));
  return Object.entries(wanted).every(([property, value]) => JSON.stringify(has.get(property)) === JSON.stringify(value));
}
