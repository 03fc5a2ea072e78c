/**
 * What everybody has handled leaves the event stream before it is full. What anybody has not handled stays, even where nothing
 * new fits any more: a full stream is noticed and mended, an event that left unseen is not.
 */
import { CONSUMERS, EVENT_STREAM, type ConsumerName } from '@baton/contracts';
import type { Watermarks } from '@baton/ports';
import { jetstreamManager, type StreamConfig, type StreamInfo, type StreamState } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { CONSUMER_NAMES } from './ensure-topology.ts';
import type { BusLogger } from './logger.ts';
import { handledUpTo } from './watermarks.ts';

/** Trimmed above the one share of its limit down to the other: in large steps, and far from full. */
const TRIM_ABOVE_SHARE = 0.5;
/** What is newer always stays: a server of a cluster that lags behind may tell too high how far an idle consumer has come. */
const TRIM_TO_SHARE = 0.45;
/** Older answers say nothing any more: an operator may have set a consumer back since. `baton deadletters replay` counts on it. */
export const TRIM_DECIDED_MS_MAX = 1_000;
/** A server that refuses (its permissions are older than this release) is not asked at every look. */
const REFUSED_REST_MS = 60_000;
/** Nothing is published meanwhile: 0.3 s for half a million messages, which is about what lies between the two shares. */
const PURGE_TIMEOUT_MS = 10_000;

const CANNOT_TRIM = 'the event stream was made by an earlier release, which denied trimming for good: it fills up';
const CANNOT_TRIM_FIX = '`baton rebuild bus` makes it anew (deploy/runbooks/stream-filling.md)';

const HANDLING: readonly ConsumerName[] = CONSUMER_NAMES.filter((name) => CONSUMERS[name].stream === EVENT_STREAM);

/** 0 = empty, 1 = full; a stream without a limit is never full. */
export const fillOf = ({ config, state }: Pick<StreamInfo, 'config' | 'state'>): number =>
  config.max_bytes > 0 ? state.bytes / config.max_bytes : 0;

/** The last position that would have to go; null = there is room enough. */
function wantedTrim({ max_bytes }: Pick<StreamConfig, 'max_bytes'>, state: StreamState): number | null {
  if (max_bytes <= 0 || state.bytes <= TRIM_ABOVE_SHARE * max_bytes) return null;
  return state.first_seq + Math.floor(state.messages * (1 - (TRIM_TO_SHARE * max_bytes) / state.bytes)) - 1;
}

/** Who is furthest behind, and where: by its watermark, behind which it would be made again, and by what the bus knows of it. */
function furthestBehind(
  kept: ReadonlyMap<string, number>,
  on_bus: ReadonlyMap<string, number>,
): { readonly consumer: ConsumerName; readonly position: number } {
  return HANDLING.map((consumer) => ({
    consumer,
    position: Math.min(kept.get(consumer) ?? 0, on_bus.get(consumer) ?? 0),
  })).reduce((least, one) => (one.position < least.position ? one : least));
}

export interface TrimmingOptions {
  readonly connection: NatsConnection;
  readonly watermarks: Pick<Watermarks, 'read'>;
  readonly logger: BusLogger;
}

/** To be called with each look at the stream, by the relay that leads. Never rejects: copying goes on without it. */
export function trimming({ connection, watermarks, logger }: TrimmingOptions): (stream: StreamInfo) => Promise<void> {
  let rests_until_ms = 0;
  let said: string | null = null;
  const sayOnce = (what: string, fields: object): void => {
    if (said !== what) logger.warn(fields, what);
    said = what;
  };

  async function trim(state: StreamState, wanted: number): Promise<void> {
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: PURGE_TIMEOUT_MS });
    const asked_ms = performance.now();
    const { consumer, position } = furthestBehind(await watermarks.read(), await handledUpTo(manager, HANDLING));
    if (position < state.first_seq) return sayOnce('relay-trimming-held-up', { consumer, handled: position });
    if (performance.now() - asked_ms > TRIM_DECIDED_MS_MAX) return;
    const up_to = Math.min(wanted, position);
    const { purged } = await manager.streams.purge(EVENT_STREAM, { seq: up_to + 1 });
    said = null;
    logger.info({ up_to, purged }, 'relay-trimmed');
  }

  return async ({ config, state }) => {
    if (config.deny_purge) sayOnce('relay-cannot-trim', { why: CANNOT_TRIM, fix: CANNOT_TRIM_FIX });
    const wanted = wantedTrim(config, state);
    if (config.deny_purge || wanted === null || performance.now() < rests_until_ms) return;
    try {
      await trim(state, wanted);
    } catch (err) {
      rests_until_ms = performance.now() + REFUSED_REST_MS;
      logger.warn({ err }, 'relay-trimming-failed');
    }
  };
}
