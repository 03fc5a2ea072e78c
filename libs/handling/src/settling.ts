/** What becomes of a delivery: handled, given back, or kept as a dead letter with its cause. Nothing is ever dropped. */
import { DELIVERIES_MAX, UnreadableEvent } from '@baton/contracts';
import type { DeadLetter, DeadLetters } from '@baton/ports';
import { ForgedEvent } from './decide-and-append.ts';
import { EventTooLarge, isDefect } from './defect.ts';
import type { Delivery } from './delivery.ts';
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
export type Settle = (delivery: Delivery) => Promise<'ack' | 'nak' | 'dead-letter'>;

export function settling({ handle, parked, perStream, counts, instruments, dead_letters }: Settling): Settle {
  const park = async (delivery: Delivery, reason: DeadLetter['reason'], cause: string): Promise<string> => {
    const letter = letterOf(delivery, reason, cause);
    await dead_letters.park(letter);
    if (letter.stream !== null) await parked.changed(letter.consumer, letter.stream);
    counts.dead_lettered++;
    instruments.deadLettered(letter.consumer, reason, cause);
    return letter.id;
  };

  /**
   * What was only held while another message killed the process was delivered as often as that one. So it is put aside first
   * and then tried once more, one at a time: what dies of it is where it belongs already, and what does not is given back.
   */
  const tryAlone = async (delivery: Delivery): Promise<'ack' | 'dead-letter'> => {
    const { id } = letterOf(delivery, 'handler-crashed', '');
    const { consumer, deliveries } = delivery;
    const aside = await dead_letters.list({ consumer, status: 'parked' });
    if (aside.some((letter) => letter.id === id)) return 'dead-letter';
    const cause = `delivered ${String(deliveries)} times and never settled: handling it kills or blocks its process`;
    await park(delivery, 'handler-crashed', cause);
    try {
      await handle(delivery);
    } catch (error) {
      instruments.fault(`${consumer} at ${String(delivery.sequence)}, alone`, error);
      return 'dead-letter';
    }
    await dead_letters.settle(id, 'replayed');
    if (delivery.kind === 'event') await parked.changed(consumer, delivery.headers['ce-subject'] ?? '');
    return 'ack';
  };

  return async (delivery) => {
    if (delivery.kind === 'event' && (await parked.has(delivery.consumer, delivery.headers['ce-subject'] ?? ''))) {
      await park(delivery, 'parked-behind', 'an earlier message of this stream is dead-lettered; settle that one first');
      return 'dead-letter';
    }
    if (delivery.deliveries > DELIVERIES_MAX) return perStream.run('alone', () => tryAlone(delivery));
    try {
      await handle(delivery);
      return 'ack';
    } catch (error) {
      if (error instanceof UnreadableEvent) await park(delivery, error.kind, error.message);
      else if (error instanceof InvalidRequest) await park(delivery, 'invalid', error.message);
      else if (error instanceof EventTooLarge && delivery.kind === 'inbound') await park(delivery, 'invalid', error.message);
      else if (error instanceof ForgedEvent) await park(delivery, 'forged-event', error.message);
      else if (!isDefect(error)) throw error;
      else if (delivery.deliveries >= DELIVERIES_MAX)
        await park(delivery, 'handler-failed', (error as Error).stack ?? String(error));
      else {
        instruments.fault(`${delivery.consumer} at ${delivery.sequence} (delivery ${delivery.deliveries})`, error);
        return 'nak';
      }
      return 'dead-letter';
    }
  };
}
