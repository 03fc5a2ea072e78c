/**
 * Whatever is in the log is on the bus, in order and under the same number, whatever happens to either in between.
 *
 *   standby   another process leads
 *   copying   publishes what is behind the stream's last sequence: what it was told, or else what it reads
 *   waiting   bus or log cannot be reached, or the stream is full: tries again, for ever
 *   halted    the stream holds what the log does not; nothing is published until somebody has put that right
 *   closed
 */
import { EVENT_STREAM, type ToldEvent } from '@baton/contracts';
import { failpoint, type EventLog, type Leases, type Watermarks } from '@baton/ports';
import type { BusConnection } from './connect.ts';
import { leadership } from './leadership.ts';
import type { BusLogger } from './logger.ts';
import { pipelinedPublish, type PipelinedPublish } from './pipelined-publish.ts';
import { inspectTail } from './stream-tail.ts';
import { fillOf, trimming } from './trimming.ts';
import { waker } from './waker.ts';

/** Names of leases begin with the service that may take them. */
const RELAY_LEASE = 'relay-leader';
/** Events on their way at once: enough to keep the server busy (V20), few enough to be read again cheaply. */
export const RELAY_BATCH_MAX = 500;
/** How long an append may go unnoticed when its notification was lost. */
export const RELAY_POLL_MS = 250;
const LEASE_MS = 3_000;
const ACK_TIMEOUT_MS = 5_000;
/** Streams and consumers are looked after this often, and after every reconnection and failure. */
const INSPECT_MS = 5_000;
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 2_000;

export type RelayStatus = 'standby' | 'copying' | 'waiting' | 'halted' | 'closed';

export interface RelayOptions {
  readonly log: Pick<EventLog, 'readAfter' | 'head'>;
  readonly watermarks: Pick<Watermarks, 'read'>;
  readonly leases: Leases;
  readonly bus: BusConnection;
  /** Names this process; no two may have the same. */
  readonly holder: string;
  readonly replicas: number;
  readonly logger: BusLogger;
  readonly batch_max?: number;
  readonly poll_ms?: number;
  readonly lease_ms?: number;
  /** Told after each batch what is on the bus now: consecutive, in order, at least one. */
  readonly on_published?: (events: readonly ToldEvent[]) => void;
  /** The event stream was found to end here, and the streams to be this full: name → 0 to 1. */
  readonly on_inspected?: (position: number, fill: ReadonlyMap<string, number>) => void;
  readonly on_status?: (status: RelayStatus) => void;
}

export interface Relay {
  /** The log has grown (or may have): copies what it is told, where that follows what was copied last, or looks at once. */
  wake(told?: readonly ToldEvent[] | null): void;
  status(): RelayStatus;
  /** Position of the last event that is known to be on the bus. */
  position(): number;
  close(): Promise<void>;
}

export function startRelay(options: RelayOptions): Relay {
  const { bus, logger, on_status } = options;
  const alarm = waker();
  const state: State = { status: 'standby', position: 0, inspect: true, failures: 0, told: [] };
  const batch_max = options.batch_max ?? RELAY_BATCH_MAX;
  const to = (status: RelayStatus, fields: object = {}): void => {
    if (state.status === status) return;
    state.status = status;
    on_status?.(status);
    if (status === 'halted')
      logger.fatal(
        {
          ...fields,
          fix: 'somebody else published with the key of the relay (deploy/runbooks/forged-event.md), the log was restored to an earlier time, or this is the bus of another log: `baton rebuild bus` if the log is right (deploy/runbooks/relay-halted.md)',
        },
        'relay-broker-ahead',
      );
    else if (status === 'waiting') logger.warn(fields, 'relay-waiting');
    else logger.info({ position: state.position, ...fields }, `relay-${status}`);
  };
  const publisher = pipelinedPublish(bus, ACK_TIMEOUT_MS);
  const trim = trimming({ connection: bus.connection, watermarks: options.watermarks, logger });
  void followConnection(bus, state, publisher, alarm.wake);

  const lead = leadership({
    leases: options.leases,
    name: RELAY_LEASE,
    holder: options.holder,
    ttl_ms: options.lease_ms ?? LEASE_MS,
    logger,
    lead: async (signal) => {
      signal.addEventListener('abort', alarm.wake);
      state.inspect = true;
      state.told = [];
      await copy(options, state, publisher, { signal, to, trim, sleep: alarm.sleep });
      to('standby');
    },
  });

  return {
    wake: (told = null) => {
      hear(state, told, batch_max);
      alarm.wake();
    },
    status: () => state.status,
    position: () => state.position,
    close: async () => {
      await lead.close();
      publisher.close();
      to('closed');
    },
  };
}

interface State {
  status: RelayStatus;
  position: number;
  /** True = what is known of the stream may be wrong by now. */
  inspect: boolean;
  failures: number;
  /** Consecutive events that were told and not published yet; what is missing before, between or behind them is read. */
  told: readonly ToldEvent[];
}

/** Null = something was appended that was not told. */
function hear(state: State, told: readonly ToldEvent[] | null, batch_max: number): void {
  const last = state.told.at(-1);
  const follows = last === undefined || last.position + 1 === told?.[0]?.position;
  state.told = told && follows && state.told.length + told.length <= batch_max ? [...state.told, ...told] : [];
}

/** What was told and is next on the bus; none where it has to be read. */
function takeTold(state: State): readonly ToldEvent[] {
  const { told } = state;
  state.told = [];
  const first = told[0];
  return first && first.position <= state.position + 1 ? told.slice(state.position + 1 - first.position) : [];
}

interface Term {
  readonly signal: AbortSignal;
  readonly to: (status: RelayStatus, fields?: object) => void;
  readonly trim: ReturnType<typeof trimming>;
  readonly sleep: (ms_max: number) => Promise<void>;
}

async function copy(
  options: RelayOptions,
  state: State,
  publisher: PipelinedPublish,
  { signal, to, trim, sleep }: Term,
): Promise<void> {
  const { log, batch_max = RELAY_BATCH_MAX, poll_ms = RELAY_POLL_MS } = options;
  /** Not cut short by appends, which would turn every wait for the bus into a busy loop. */
  const pause = async (ms: number): Promise<void> => {
    const until_ms = performance.now() + ms;
    for (let left_ms = ms; left_ms > 0 && !signal.aborted; left_ms = until_ms - performance.now()) await sleep(left_ms);
  };
  let inspected_ms = 0;
  let ahead: Promise<readonly ToldEvent[]> | null = null;
  while (!signal.aborted) {
    try {
      if (!options.bus.connected()) {
        to('waiting', { cause: 'the bus cannot be reached' });
        state.inspect = true;
        // Cut short by the reconnection.
        await sleep(RETRY_MS_MAX);
        continue;
      }
      if (state.inspect || performance.now() - inspected_ms > INSPECT_MS) {
        ahead = null;
        if (!(await inspect(options, state, { to, trim }))) {
          await pause(RETRY_MS_MAX);
          continue;
        }
        inspected_ms = performance.now();
      }
      const told = ahead ? [] : takeTold(state);
      const events: readonly ToldEvent[] = told.length > 0 ? told : await (ahead ?? log.readAfter(state.position, batch_max));
      ahead = null;
      const last = events.at(-1);
      if (!last) {
        state.failures = 0;
        to('copying');
        await sleep(poll_ms);
        continue;
      }
      if (told.length === 0 && events.length === batch_max) {
        // Read while the server stores. A failure is met when it is awaited, or not at all.
        ahead = log.readAfter(last.position, batch_max);
        ahead.catch(() => undefined);
      }
      failpoint('before-publish');
      // After a failure each asks for itself, or the event that cannot be stored would hide behind those that follow it.
      const published = await publisher.publish(events, state.failures > 0 ? 'each' : 'last');
      failpoint('after-publish');
      if (published.status === 'stored') {
        state.position = last.position;
        state.failures = 0;
        to('copying');
        options.on_published?.(events);
        // What was appended since rings the alarm: no need to look for it.
        if (!ahead) await sleep(poll_ms);
        continue;
      }
      ahead = null;
      state.inspect = true;
      // Another relay was first, or the stream is a new one: looking again is all there is to do.
      if (published.status === 'wrong-sequence' || published.status === 'no-stream')
        options.logger.warn({ position: state.position, status: published.status }, 'relay-looks-again');
      else to('waiting', published);
    } catch (err) {
      ahead = null;
      state.inspect = true;
      to('waiting', { err });
    }
    await pause(Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** state.failures++));
  }
}

async function inspect(options: RelayOptions, state: State, { to, trim }: Pick<Term, 'to' | 'trim'>): Promise<boolean> {
  const { bus, log, watermarks, replicas, logger } = options;
  // Set before looking: what happens meanwhile asks for another look.
  state.inspect = false;
  const tail = await inspectTail({ connection: bus.connection, log, watermarks, replicas, known_position: state.position });
  if (tail.status === 'broker-ahead') {
    state.inspect = true;
    to('halted', tail);
    return false;
  }
  if (tail.created.length > 0) logger.warn({ created: tail.created, position: tail.position }, 'relay-topology-recreated');
  state.position = tail.position;
  options.on_inspected?.(tail.position, new Map(tail.streams.map((stream) => [stream.config.name, fillOf(stream)])));
  for (const stream of tail.streams) if (stream.config.name === EVENT_STREAM) await trim(stream);
  if (state.status !== 'waiting') to('copying');
  return true;
}

async function followConnection(
  { connection }: BusConnection,
  state: State,
  publisher: PipelinedPublish,
  wake: () => void,
): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type !== 'disconnect' && type !== 'reconnect') continue;
    state.inspect = true;
    if (type === 'disconnect') publisher.abort('the connection to the bus was lost');
    wake();
  }
}
