/**
 * Every message of these consumers is handed to the handling and settled by what comes back: acknowledged after it
 * resolved, never before; given back with a delay otherwise. Bounded everywhere: what is held is at most `in_flight_max` per
 * consumer, and of long work no more than there are free slots for.
 */
import { ACK_WAIT_MS, CONSUMERS, type ConsumerName } from '@baton/contracts';
import { failpoint, type Delivery, type Settlement } from '@baton/ports';
import type { Msg, NatsConnection } from '@nats-io/nats-core';
import type { BusConnection } from './connect.ts';
import { CORRELATION_HEADER } from './cloud-event.ts';
import { toDelivery, type Received } from './delivery.ts';
import type { BusLogger } from './logger.ts';
import { mailboxes, type Mailboxes } from './mailboxes.ts';
import { pull, type Puller } from './pull.ts';

export const IN_FLIGHT_MAX = 256;
/** A handler that takes longer than this has its message delivered again, to anybody: long work must not hold one. */
const HOLD_MS_MAX = 10 * 60_000;
/** An ack wait is extended when a third of it is over, so that a busy process has the rest to be late. */
const EXTEND_PART = 3;
const FAILED_DELAY_MS_MIN = 1_000;
const FAILED_DELAY_MS_MAX = 30_000;

export interface ConsumingOptions {
  readonly bus: BusConnection;
  readonly consumers: readonly ConsumerName[];
  readonly handle: (delivery: Delivery) => Promise<Settlement>;
  /** How many pieces of long work may be started now; asked for `start` consumers. */
  readonly free_slots?: (() => number) | undefined;
  /** Tells when a slot gets free; returns how to stop being told. */
  readonly on_slot_free?: ((listener: () => void) => () => void) | undefined;
  readonly logger: BusLogger;
  readonly in_flight_max?: number | undefined;
  readonly ack_wait_ms?: number | undefined;
}

export interface Consuming {
  /** Messages that are held now, waiting or being handled. */
  held(): number;
  /** Asks for no more, lets running handlers finish and gives the rest back. Twice is fine. */
  close(): Promise<void>;
}

interface Held {
  readonly message: Msg;
  readonly since_ms: number;
  extended_ms: number;
}

interface Lane {
  readonly consumer: ConsumerName;
  readonly held: Set<Held>;
  readonly boxes: Mailboxes;
  puller: Puller | null;
}

const ACK = '+ACK';
const WORKING = '+WPI';
const NAK_NOW = '-NAK';
const nakAfter = (delay_ms: number): string => `-NAK {"delay":${Math.max(1, Math.round(delay_ms)) * 1_000_000}}`;

export function consume(options: ConsumingOptions): Consuming {
  const { bus, consumers, logger, free_slots = () => 0, in_flight_max = IN_FLIGHT_MAX, ack_wait_ms = ACK_WAIT_MS } = options;
  const { connection } = bus;
  if (consumers.filter((name) => CONSUMERS[name].pull === 'start').length > 1)
    throw new Error('one process may pull one `start` consumer only: its free slots cannot be promised twice');
  let closing: Promise<void> | null = null;
  let emptied: (() => void) | null = null;

  const lanes = consumers.map((consumer): Lane => ({ consumer, held: new Set(), boxes: mailboxes(), puller: null }));
  const held = (): number => lanes.reduce((sum, lane) => sum + lane.held.size, 0);

  /** The connection may be closed: then the message is delivered again after its ack wait, and that changes nothing. */
  function answer(message: Msg, text: string): void {
    if (!connection.isClosed() && message.reply) connection.publish(message.reply, text);
  }

  function receive(lane: Lane, received: Received): void {
    const { message } = received;
    if (closing) return answer(message, NAK_NOW);
    const delivery = toDelivery(lane.consumer, received);
    if (!delivery) {
      logger.error({ consumer: lane.consumer, subject: message.subject }, 'bus-undeclared-subject');
      return answer(message, nakAfter(FAILED_DELAY_MS_MAX));
    }
    const now = performance.now();
    const entry: Held = { message, since_ms: now, extended_ms: now };
    lane.held.add(entry);
    lane.boxes.post(mailboxOf(delivery), async () => {
      const settlement = closing ? NAK_NOW : await settlementOf(options, delivery);
      failpoint('before-ack');
      answer(message, settlement);
      failpoint('after-ack');
      lane.held.delete(entry);
      lane.puller?.refill();
      if (emptied && held() === 0) emptied();
    });
  }

  for (const lane of lanes) {
    const starts = CONSUMERS[lane.consumer].pull === 'start';
    lane.puller = pull({
      bus,
      stream: CONSUMERS[lane.consumer].stream,
      consumer: lane.consumer,
      // A message of long work keeps its place until it is settled: only then its slot is known to be taken.
      room: () => (starts ? Math.min(free_slots(), in_flight_max) : in_flight_max) - lane.held.size,
      on_message: (received) => {
        receive(lane, received);
      },
      logger,
    });
  }
  const refill = (): void => {
    for (const lane of lanes) lane.puller?.refill();
  };
  const forgetSlots = options.on_slot_free?.(refill);
  const forgetStatus = followConnection(connection, lanes);
  const extending = setInterval(
    () => {
      for (const lane of lanes) for (const entry of lane.held) if (isDue(entry, ack_wait_ms)) answer(entry.message, WORKING);
    },
    ack_wait_ms / EXTEND_PART / 2,
  );

  async function close(): Promise<void> {
    forgetSlots?.();
    forgetStatus();
    await Promise.all(lanes.map(async (lane) => lane.puller?.close()));
    if (held() > 0)
      await new Promise<void>((resolve) => {
        emptied = resolve;
      });
    clearInterval(extending);
    if (!connection.isClosed()) await connection.flush().catch(() => undefined);
  }
  return { held, close: () => (closing ??= close()) };
}

async function settlementOf({ handle, logger }: ConsumingOptions, delivery: Delivery): Promise<string> {
  try {
    const settlement = await handle(delivery);
    return settlement.ack ? ACK : nakAfter(settlement.nak_delay_ms);
  } catch (err) {
    logger.error(
      {
        err,
        consumer: delivery.consumer,
        subject: delivery.subject,
        sequence: delivery.sequence,
        deliveries: delivery.deliveries,
      },
      'bus-handler-failed',
    );
    return nakAfter(Math.min(FAILED_DELAY_MS_MAX, FAILED_DELAY_MS_MIN * 2 ** (delivery.deliveries - 1)));
  }
}

/** One mailbox per mission, so that its events are handled in the order of the log; per stream where no mission is named. */
function mailboxOf({ headers, sequence }: Delivery): string {
  return headers[CORRELATION_HEADER] ?? headers['ce-subject'] ?? String(sequence);
}

/** True once per third of an ack wait, for as long as a message may be held at all. */
function isDue(entry: Held, ack_wait_ms: number): boolean {
  const now = performance.now();
  if (now - entry.extended_ms < ack_wait_ms / EXTEND_PART || now - entry.since_ms > HOLD_MS_MAX) return false;
  entry.extended_ms = now;
  return true;
}

function followConnection(connection: NatsConnection, lanes: readonly Lane[]): () => void {
  const statuses = connection.status();
  void (async () => {
    for await (const { type } of statuses) {
      if (type === 'disconnect') for (const lane of lanes) lane.puller?.suspend();
      if (type === 'reconnect') for (const lane of lanes) lane.puller?.resume();
    }
  })();
  return () => {
    if ('stop' in statuses && typeof statuses.stop === 'function') statuses.stop();
  };
}
