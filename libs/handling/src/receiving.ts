/** Holds a delivery until it is settled: a store that is away is waited for, a defect is met again after a pause that grows. */
import type { Delivery, Settlement } from '@baton/ports';
import type { Instruments } from './instruments.ts';
import type { Counts, Settle } from './settling.ts';
import { pause, type Timers } from './timers.ts';

const NAK_DELAYS_MS = [200, 500, 1_000, 2_000, 5_000, 10_000, 30_000];
const FAULT_PAUSE_MS_MAX = 2_000;
const STOPPED_DELAY_MS = 1_000;

export interface Receiving {
  readonly settle: Settle;
  readonly counts: Counts;
  readonly instruments: Pick<Instruments, 'handled' | 'fault'>;
  readonly timers: Timers;
  readonly stopped: AbortSignal;
}

/** Never rejects. */
export const receiver =
  ({ settle, counts, instruments, timers, stopped }: Receiving) =>
  async (delivery: Delivery): Promise<Settlement> => {
    const started = performance.now();
    // A store that is away is waited for here: a redelivery would only count towards the dead-letter limit.
    for (let tries = 1; ; tries++) {
      try {
        const result = await settle(delivery);
        counts.handled++;
        instruments.handled(delivery.consumer, result, (performance.now() - started) / 1_000);
        if (result !== 'nak') return { ack: true };
        return { ack: false, nak_delay_ms: NAK_DELAYS_MS[Math.min(delivery.deliveries, NAK_DELAYS_MS.length) - 1]! };
      } catch (error) {
        instruments.fault(`${delivery.consumer} at ${delivery.sequence}, try ${tries}`, error);
        if (stopped.aborted) return { ack: false, nak_delay_ms: STOPPED_DELAY_MS };
        await pause(timers, Math.min(50 * 2 ** tries, FAULT_PAUSE_MS_MAX), stopped);
      }
    }
  };
