/** What becomes of a delivery: handled, given back, or kept as a dead letter with its cause. Nothing is ever dropped. */
import { DELIVERIES_MAX, UnreadableEvent } from '@baton/contracts';
import type { DeadLetter, DeadLetters, Delivery } from '@baton/ports';
import { ForgedEvent } from './decide-and-append.ts';
import { EventTooLarge, isDefect } from './defect.ts';
import type { Instruments } from './instruments.ts';
import { letterOf } from './letter.ts';
import type { Mailbox } from './mailbox.ts';
import type { Parked } from './parked.ts';

/** An inbound request that can never be handled: dead-lettered at once, with every fault in its message. */
export class InvalidRequest extends Error {
  override readonly name = 'InvalidRequest';
}

export interface Counts {
  handled: number;
  dead_lettered: number;
}

export interface Settling {
  readonly handle: (delivery: Delivery) => Promise<void>;
  readonly parked: Parked;
  readonly perStream: Mailbox;
  readonly counts: Counts;
  readonly instruments: Instruments;
  readonly dead_letters: DeadLetters;
}

/** Rejects with what a later try may not meet: a store that is away. */
export type Settle = (delivery: Delivery) => Promise<'ack' | 'nak' | 'dead-letter' | 'discarded'>;

/** Whoever puts a message aside to try it alone may still be at it when it is delivered once more: it was held for too long. */
const DELIVERIES_ALONE_MAX = 2;

export function settling({ handle, parked, perStream, counts, instruments, dead_letters }: Settling): Settle {
  const park = async (delivery: Delivery, letter: DeadLetter): Promise<void> => {
    const { consumer, reason, cause } = letter;
    await dead_letters.park(letter);
    if (delivery.kind === 'event' && letter.stream !== null) await parked.changed(consumer, letter.stream);
    counts.dead_lettered++;
    instruments.deadLettered(consumer, reason, cause);
  };
  const tryAlone = alone({ handle, parked, instruments, dead_letters, park });

  /** A consumer that goes back for an earlier letter meets it again; what a person put aside for good stays where it is. */
  const isDiscarded = async (delivery: Delivery): Promise<boolean> => {
    if (!(await parked.mayBeDiscarded(delivery.consumer, delivery.sequence))) return false;
    const kept = await dead_letters.find(letterOf(delivery, 'invalid', '').id);
    // Something else may have had this number on the bus once: a person has discarded that, and not this.
    return kept?.status === 'discarded' && kept.body === delivery.body && kept.headers['ce-id'] === delivery.headers['ce-id'];
  };

  return async (delivery) => {
    if (delivery.kind === 'event' && (await isDiscarded(delivery))) return 'discarded';
    if (delivery.kind === 'event' && (await parked.has(delivery.consumer, delivery.headers['ce-subject'] ?? ''))) {
      const cause = 'an earlier message of this stream is dead-lettered; settle that one first';
      await park(delivery, letterOf(delivery, 'parked-behind', cause));
      return 'dead-letter';
    }
    if (delivery.deliveries > DELIVERIES_MAX) return perStream.run('alone', () => tryAlone(delivery));
    try {
      await handle(delivery);
      return 'ack';
    } catch (error) {
      const { reason, cause } = whyKept(error, delivery);
      if (reason === 'handler-failed' && delivery.deliveries < DELIVERIES_MAX) {
        instruments.fault(`${delivery.consumer} at ${delivery.sequence} (delivery ${delivery.deliveries})`, error);
        return 'nak';
      }
      await park(delivery, letterOf(delivery, reason, cause));
      return 'dead-letter';
    }
  };
}

/** Throws what is no fault of the message. */
function whyKept(error: unknown, { kind }: Delivery): Pick<DeadLetter, 'reason' | 'cause'> {
  if (error instanceof UnreadableEvent) return { reason: error.kind, cause: error.message };
  if (error instanceof InvalidRequest) return { reason: 'invalid', cause: error.message };
  if (error instanceof EventTooLarge && kind === 'inbound') return { reason: 'invalid', cause: error.message };
  if (error instanceof ForgedEvent) return { reason: 'forged-event', cause: error.message };
  if (!isDefect(error)) throw error;
  return { reason: 'handler-failed', cause: (error as Error).stack ?? String(error) };
}

type Alone = Pick<Settling, 'handle' | 'parked' | 'instruments' | 'dead_letters'> & {
  readonly park: (delivery: Delivery, letter: DeadLetter) => Promise<void>;
};

/**
 * What was only held while another message killed the process, or while the store was away, was delivered as often as that one.
 * So it is put aside first and then tried once more, one at a time: what dies of it is where it belongs already, and what does
 * not is given back. Its stream is parked only when it has failed alone: innocent messages would be kept behind an innocent one.
 */
function alone({ handle, parked, instruments, dead_letters, park }: Alone): Settle {
  /** By letter: what this process has begun to try, and whether it is put aside. A later try of the living goes on with it. */
  const trying = new Map<string, boolean>();

  const onceMore = async (delivery: Delivery, aside: DeadLetter): Promise<'ack' | 'dead-letter'> => {
    trying.set(aside.id, trying.get(aside.id) ?? false);
    if (trying.get(aside.id) !== true) await park(delivery, aside);
    trying.set(aside.id, true);
    try {
      await handle(delivery);
    } catch (error) {
      const { reason, cause } = whyKept(error, delivery);
      instruments.fault(`${delivery.consumer} at ${String(delivery.sequence)}, alone`, error);
      const failed = letterOf(delivery, reason, cause);
      await park(delivery, failed);
      if (failed.id !== aside.id) await dead_letters.settle(aside.id, 'replayed');
      return 'dead-letter';
    }
    await dead_letters.settle(aside.id, 'replayed');
    // Who found it put aside meanwhile may have taken this process for dead, and parked the stream.
    if (delivery.kind === 'event') await parked.changed(delivery.consumer, delivery.headers['ce-subject'] ?? '');
    return 'ack';
  };

  return async (delivery) => {
    const { deliveries } = delivery;
    const cause = `delivered ${String(deliveries)} times and never settled: handling it kills or blocks its process`;
    const failed = letterOf(delivery, 'handler-crashed', cause);
    const kept = trying.has(failed.id) ? null : await dead_letters.find(failed.id);
    if (kept?.status === 'discarded') return 'discarded';
    if (kept?.status === 'parked') {
      if (failed.stream === null || kept.stream !== null) return 'dead-letter';
      if (deliveries < kept.deliveries + DELIVERIES_ALONE_MAX) return 'nak';
      await park(delivery, failed);
      return 'dead-letter';
    }
    const settled = await onceMore(delivery, { ...failed, stream: null });
    trying.delete(failed.id);
    return settled;
  };
}
