/** What a bus promises to those who consume from it: JetStream with the relay in front, and the bus of the simulation. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ConsumerName, InboundName } from '@baton/contracts';
import type { Delivery, Settlement } from '@baton/ports';

export type BusHandler = (delivery: Delivery) => Promise<Settlement>;

export interface BusSetup {
  /** Appends one PlanCancelled per mission to the log that the bus is a copy of. */
  append(missions: readonly string[]): void;
  request(name: InboundName, id: string, body: unknown): Promise<void>;
  /** A process that consumes; `dies` = it settles nothing any more, and says nothing to anybody. */
  consume(consumer: ConsumerName, handle: BusHandler): Promise<{ readonly dies: () => Promise<void> }>;
  /** The bus loses all it has, when every consumer had handled everything up to `watermark`. */
  wipe(watermark: number): Promise<void>;
  /** Lets time pass until it is so. */
  until(check: () => boolean, what: string): Promise<void>;
  now_ms(): number;
  readonly dispose: () => Promise<void>;
}

const ACK: Settlement = { ack: true };
const NAK_MS = 1_000;
/** Clocks of two machines are compared: a little early is still after the delay. */
const EARLY_MS_MAX = 50;

export function keepsBusContract(make: () => Promise<BusSetup>): void {
  describe('keeps the contract of a bus', () => {
    let bus: BusSetup;
    beforeEach(async () => {
      bus = await make();
    });
    afterEach(() => bus.dispose());

    const collecting =
      (into: Delivery[], settlement: Settlement = ACK): BusHandler =>
      (delivery) => {
        into.push(delivery);
        return Promise.resolve(settlement);
      };
    const numbers = (deliveries: readonly Delivery[]): number[] => deliveries.map(({ sequence }) => sequence);

    it('delivers every event of its consumer in the order of the log, under its number in the log', async () => {
      const got: Delivery[] = [];
      const others: Delivery[] = [];
      bus.append(['a', 'a']);
      await bus.consume('release-react', collecting(got));
      await bus.consume('planner-react', collecting(others));
      bus.append(['a', 'a']);
      await bus.until(() => got.length === 4, 'four events were delivered');
      expect(numbers(got)).toEqual([1, 2, 3, 4]);
      expect(got[0]).toMatchObject({
        kind: 'event',
        consumer: 'release-react',
        deliveries: 1,
        headers: { 'ce-subject': 'plan-a' },
      });
      expect(got[0]!.subject).toBe('baton.event.plan.plan-cancelled');
      expect(JSON.parse(got[0]!.body)).toMatchObject({ mission_id: 'a' });
      expect(others).toEqual([]);
    });

    it('delivers what was given back again after its delay, and counts', async () => {
      const got: { readonly delivery: Delivery; readonly at_ms: number }[] = [];
      await bus.consume('release-react', (delivery) => {
        got.push({ delivery, at_ms: bus.now_ms() });
        return Promise.resolve(delivery.deliveries < 3 ? { ack: false, nak_delay_ms: NAK_MS } : ACK);
      });
      bus.append(['a']);
      await bus.until(() => got.length === 3, 'it was delivered three times');
      expect(got.map(({ delivery }) => delivery.deliveries)).toEqual([1, 2, 3]);
      expect(got[1]!.at_ms - got[0]!.at_ms).toBeGreaterThanOrEqual(NAK_MS - EARLY_MS_MAX);
      expect(got[2]!.at_ms - got[1]!.at_ms).toBeGreaterThanOrEqual(NAK_MS - EARLY_MS_MAX);
    });

    it('delivers what a dead process held to another one, and what was acknowledged to nobody', async () => {
      const held: Delivery[] = [];
      const got: Delivery[] = [];
      const dying = await bus.consume('release-react', (delivery) => {
        held.push(delivery);
        return delivery.sequence === 1 ? Promise.resolve(ACK) : new Promise(() => {});
      });
      bus.append(['a', 'b']);
      await bus.until(() => held.length === 2, 'both were given out');
      await dying.dies();
      await bus.consume('release-react', collecting(got));
      bus.append(['c']);
      await bus.until(() => got.length === 2, 'the one that was held and the new one were delivered');
      expect(numbers(got).toSorted((one, other) => one - other)).toEqual([2, 3]);
      expect(got.find(({ sequence }) => sequence === 2)?.deliveries).toBe(2);
    });

    it('gives each message to one of those who compete for it', async () => {
      const got: Delivery[] = [];
      await bus.consume('release-react', collecting(got));
      await bus.consume('release-react', collecting(got));
      bus.append(Array.from({ length: 40 }, (_, nth) => `m-${nth % 7}`));
      await bus.until(() => got.length >= 40, 'all were delivered');
      expect(numbers(got).toSorted((one, other) => one - other)).toEqual(Array.from({ length: 40 }, (_, nth) => nth + 1));
    });

    it('takes a request once under one id, and delivers it as it was asked', async () => {
      const got: Delivery[] = [];
      await bus.request('CancelMission', 'request-1', { mission_id: 'a', by: 'ada' });
      await bus.request('CancelMission', 'request-1', { mission_id: 'a', by: 'ada' });
      await bus.request('SubmitMission', 'request-2', { idempotency_key: 'k' });
      await bus.consume('intake-inbound', collecting(got));
      await bus.until(() => got.length === 2, 'both requests were delivered');
      expect(got.map(({ kind, body }) => [kind, JSON.parse(body)])).toEqual([
        ['inbound', { mission_id: 'a', by: 'ada' }],
        ['inbound', { idempotency_key: 'k' }],
      ]);
    });

    it('has everything behind the watermark again after it lost all, under the same numbers', async () => {
      const before: Delivery[] = [];
      const first = await bus.consume('release-react', collecting(before));
      bus.append(['a', 'b', 'c']);
      await bus.until(() => before.length === 3, 'all were delivered');
      await first.dies();
      await bus.wipe(1);
      const after: Delivery[] = [];
      await bus.consume('release-react', collecting(after));
      bus.append(['d']);
      await bus.until(() => after.length === 3, 'what is behind the watermark was delivered');
      expect(numbers(after)).toEqual([2, 3, 4]);
      expect(after.map(({ deliveries }) => deliveries)).toEqual([1, 1, 1]);
    });
  });
}
