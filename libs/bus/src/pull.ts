/**
 * Messages of one durable consumer arrive as long as there is room for them, and never more than there is room for.
 *
 * Not the library's `consume()`: that one pulls again when a message has arrived, not when there is room; cannot shrink what
 * it asked for to free slots; looks for a lost consumer only every 30 s; and leaves buffered messages to expire unseen.
 *
 *   pulling      requests are waiting at the server, which tells every IDLE_HEARTBEAT_MS that it still knows them
 *   unavailable  no consumer, no stream, no answer: asks again after RETRY_MS_MIN … RETRY_MS_MAX, for ever
 *   suspended    no connection: nothing is asked until it is back
 */
import { createInbox, nanos, type Msg, type Subscription } from '@nats-io/nats-core';
import type { BusConnection } from './connect.ts';
import type { BusLogger } from './logger.ts';
import { deliveryInfo, type Received } from './delivery.ts';

/**
 * A request that nobody served comes back after this long and is made again. A process that stands still with its connection open is
 * sent messages until then, each of which waits for its ack wait before somebody else gets it: so not for long.
 */
const EXPIRES_MS = 5_000;
const IDLE_HEARTBEAT_MS = 2_000;
/** Two heartbeats missed, and a little for the way. */
const SILENCE_MS_MAX = 5_000;
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 2_000;

/** Part of the room that has to be free before more is asked for: a request costs as much as a message, also while it waits. */
const REFILL_PART = 4;

const HEARTBEAT = 100;
const EXPIRED = [404, 408];
const PENDING_HEADER = 'Nats-Pending-Messages';

export interface PullOptions {
  readonly bus: BusConnection;
  readonly stream: string;
  readonly consumer: string;
  /** How many messages there is room for now, those that were asked for already included. */
  readonly room: () => number;
  readonly on_message: (received: Received) => void;
  readonly logger: BusLogger;
}

export interface Puller {
  /** To be called when there may be room again. */
  refill(): void;
  suspend(): void;
  resume(): void;
  /** Asks for no more; what is on its way still arrives before this resolves. */
  close(): Promise<void>;
}

export function pull(options: PullOptions): Puller {
  const { bus, stream, consumer, room, on_message, logger } = options;
  const { connection, inbox_prefix } = bus;
  const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
  let status: 'starting' | 'pulling' | 'unavailable' | 'suspended' | 'closed' = 'starting';
  let inbox = '';
  let subscription: Subscription | null = null;
  let outstanding = 0;
  let heard_at_ms = 0;
  let failures = 0;
  let retry: NodeJS.Timeout | null = null;

  function answered(): void {
    heard_at_ms = performance.now();
    if (status === 'pulling' || status === 'closed') return;
    status = 'pulling';
    failures = 0;
    logger.info({ stream, consumer }, 'bus-consumer-pulling');
  }

  /** Requests that are still at the server die with the inbox they are to be answered to. */
  function renew(): void {
    leave(subscription);
    outstanding = 0;
    heard_at_ms = performance.now();
    inbox = createInbox(inbox_prefix);
    subscription = connection.subscribe(inbox, { callback: receive });
  }

  function receive(error: Error | null, message: Msg): void {
    if (error) return unavailable(error.message);
    const info = deliveryInfo(message.reply);
    if (!info) return settleRequest(message);
    answered();
    outstanding = Math.max(0, outstanding - 1);
    on_message({ message, ...info });
  }

  function settleRequest(message: Msg): void {
    const code = message.headers?.code ?? 0;
    if (code === HEARTBEAT) return answered();
    // A stale answer: to requests that were given up.
    if (message.subject !== inbox) return;
    if (!EXPIRED.includes(code)) return unavailable(`${code} ${message.headers?.description ?? ''}`.trim());
    answered();
    outstanding = Math.max(0, outstanding - Number(message.headers?.get(PENDING_HEADER) || 0));
    refill();
  }

  function unavailable(cause: string): void {
    if (status === 'closed' || status === 'suspended') return;
    if (status !== 'unavailable') logger.warn({ stream, consumer, cause }, 'bus-consumer-unavailable');
    status = 'unavailable';
    outstanding = 0;
    retry ??= setTimeout(
      () => {
        retry = null;
        // Closed under us: whoever closed it stops us as well.
        if (status === 'closed' || status === 'suspended' || connection.isClosed()) return;
        renew();
        refill();
      },
      Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** failures++),
    );
  }

  function refill(): void {
    if (status === 'closed' || status === 'suspended' || retry !== null || connection.isClosed()) return;
    const all = room();
    const batch = all - outstanding;
    const enough = outstanding === 0 || batch * REFILL_PART >= all;
    if (batch <= 0 || !enough) return;
    if (outstanding === 0) heard_at_ms = performance.now();
    outstanding += batch;
    const asked = { batch, expires: nanos(EXPIRES_MS), idle_heartbeat: nanos(IDLE_HEARTBEAT_MS) };
    connection.publish(subject, JSON.stringify(asked), { reply: inbox });
  }

  const watchdog = setInterval(() => {
    const silent = outstanding > 0 && performance.now() - heard_at_ms > SILENCE_MS_MAX;
    if (silent && retry === null) unavailable(`nothing heard for ${SILENCE_MS_MAX} ms`);
  }, IDLE_HEARTBEAT_MS);

  renew();
  refill();
  return {
    refill,
    suspend: () => {
      if (status === 'closed') return;
      status = 'suspended';
      outstanding = 0;
      if (retry) clearTimeout(retry);
      retry = null;
    },
    resume: () => {
      if (status !== 'suspended') return;
      status = 'starting';
      failures = 0;
      renew();
      refill();
    },
    close: async () => {
      if (status === 'closed') return;
      status = 'closed';
      clearInterval(watchdog);
      if (retry) clearTimeout(retry);
      await drained(subscription);
    },
  };
}

const leave = (subscription: Subscription | null): void => void drained(subscription);

/** What the server has sent already is still received. */
async function drained(subscription: Subscription | null): Promise<void> {
  try {
    if (subscription && !subscription.isClosed()) await subscription.drain();
  } catch {
    // The connection is closed or closing: then nothing arrives any more either.
  }
}
