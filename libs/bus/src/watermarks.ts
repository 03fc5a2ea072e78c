/** How far each consumer of this process has handled everything is kept in the database, where the bus cannot lose it. */
import { CONSUMERS, EVENT_STREAM, type ConsumerName } from '@baton/contracts';
import type { EventLog, Watermarks } from '@baton/ports';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { consumerInfo, streamInfo } from './ensure-topology.ts';
import type { BusLogger } from './logger.ts';
import { waker } from './waker.ts';

const WATERMARK_INTERVAL_MS = 5_000;

const MISSED_FIX =
  'somebody removed events from the bus that this consumer has not handled: `baton rebuild bus` brings them back from the log (deploy/runbooks/rebuild-bus.md)';

export interface WatchWatermarksOptions {
  readonly connection: NatsConnection;
  readonly consumers: readonly ConsumerName[];
  readonly watermarks: Watermarks;
  readonly log: Pick<EventLog, 'head'>;
  readonly interval_ms?: number;
  readonly logger: BusLogger;
}

export interface WatermarksWatch {
  /** Keeps once more how far it has come (if the bus still answers), then stops. Twice is fine. */
  close(): Promise<void>;
}

export function watchWatermarks({
  connection,
  consumers,
  watermarks,
  log,
  interval_ms = WATERMARK_INTERVAL_MS,
  logger,
}: WatchWatermarksOptions): WatermarksWatch {
  const kept = new Map<ConsumerName, number>();
  const missed = new Set<ConsumerName>();
  const watched = consumers.filter((name) => CONSUMERS[name].stream === EVENT_STREAM);
  const alarm = waker();
  let closing = false;
  let failing = false;

  async function advance(manager: JetStreamManager): Promise<void> {
    const further = [...(await handledUpTo(manager, watched))].filter(
      ([consumer, position]) => position > (kept.get(consumer) ?? 0),
    );
    if (further.length === 0) return;
    const { position: head } = await log.head();
    const begins = (await streamInfo(manager, EVENT_STREAM))?.state.first_seq ?? 0;
    for (const [consumer, position] of further) {
      // A bus that is ahead of a restored log has handled another history: what the log holds there is still to be handled.
      if (position > head) continue;
      if (await hasMissed(consumer, begins)) continue;
      await watermarks.advance(consumer, position);
      kept.set(consumer, position);
    }
  }

  /** Trimmed is only what lies behind every watermark: a gap behind this one left the bus unhandled, and must not be passed over. */
  async function hasMissed(consumer: ConsumerName, begins: number): Promise<boolean> {
    if (begins <= (kept.get(consumer) ?? 0) + 1) return false;
    // Another replica may have kept more than this one. One without a watermark is new, and begins with what the bus has.
    const last = (await watermarks.read()).get(consumer);
    if (last === undefined || begins <= last + 1) return false;
    if (!missed.has(consumer)) logger.error({ consumer, from: last + 1, to: begins - 1, fix: MISSED_FIX }, 'bus-events-missed');
    missed.add(consumer);
    return true;
  }

  const running = (async () => {
    if (watched.length === 0) return;
    const manager = await jetstreamManager(connection, { checkAPI: false });
    for (let last = false; !last;) {
      await alarm.sleep(interval_ms);
      last = closing;
      try {
        if (!connection.isClosed()) await advance(manager);
        failing = false;
      } catch (err) {
        // Late is fine: what was handled twice changes nothing.
        if (!failing) logger.warn({ err }, 'watermarks-not-advanced');
        failing = true;
      }
    }
  })();

  return {
    close: async () => {
      closing = true;
      alarm.wake();
      await running;
    },
  };
}

/** Consumer → position up to which it has handled everything that concerns it. */
export async function handledUpTo(
  manager: JetStreamManager,
  consumers: readonly ConsumerName[],
): Promise<ReadonlyMap<ConsumerName, number>> {
  // The stream first: what a consumer says it has no more of, it then had no more of at this sequence either.
  const stream = await streamInfo(manager, EVENT_STREAM);
  const handled = new Map<ConsumerName, number>();
  if (!stream) return handled;
  for (const name of consumers) {
    const info = await consumerInfo(manager, EVENT_STREAM, name);
    // A consumer's floor stays at the last message that its filter let through; an idle one has come as far as the stream.
    if (info)
      handled.set(
        name,
        info.num_pending === 0 && info.num_ack_pending === 0
          ? Math.max(stream.state.last_seq, info.ack_floor.stream_seq)
          : info.ack_floor.stream_seq,
      );
  }
  return handled;
}
