import { parseStored, subjectOf, type EventRecord, type EventType, type StoredEvent } from '@baton/contracts';
import type { Delivery } from '@baton/handling';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { follow } from './follow.ts';

const GAP_MS = 1_000;
const META = {
  schema_version: 1,
  correlation_id: 'm-1',
  causation_id: 'cause',
  actor: { kind: 'service', id: 'executor' },
};

function stored(position: number, type: EventType = 'TaskCancelled', data?: string): StoredEvent {
  return {
    position,
    stream: 'task-m-1.a',
    version: position,
    id: `00000000-0000-5000-8000-${String(position).padStart(12, '0')}`,
    type,
    recorded_at: '2026-11-21T00:00:00.000000Z',
    meta: JSON.stringify(META),
    data: data ?? JSON.stringify({ mission_id: 'm-1', task_id: 'a', reason: '' }),
    hash: '0'.repeat(64),
  };
}
const history = (length: number): StoredEvent[] => Array.from({ length }, (_, index) => stored(index + 1));

/** A follower of a log that grows when the spec says so. */
function following(log: StoredEvent[] = []) {
  const applied: number[] = [];
  const left_out: (readonly [number, string])[] = [];
  const reads: number[] = [];
  const parsed: number[] = [];
  const away = { times: 0 };
  const follower = follow({
    log: {
      readAfter: async (after, limit) => {
        reads.push(after);
        if (away.times-- > 0) throw new Error('connection refused');
        return log.filter(({ position }) => position > after).slice(0, limit);
      },
    },
    wanted: new Set(['TaskCancelled']),
    apply: (event: EventRecord) => void applied.push(event.position),
    onUnreadable: (position, error) => void left_out.push([position, error.message]),
  });
  const deliver = (event: StoredEvent) => {
    const delivery: Delivery = {
      kind: 'event',
      consumer: 'metrics-fold',
      subject: subjectOf(event.type as EventType),
      headers: {},
      body: event.data,
      deliveries: 1,
      sequence: event.position,
      event: () => {
        parsed.push(event.position);
        return parseStored(event);
      },
    };
    return follower.receive(delivery);
  };
  return { follower, deliver, applied, left_out, reads, parsed, away, log };
}
const upTo = (length: number): number[] => Array.from({ length }, (_, index) => index + 1);

describe('the follower', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('reads the log to its end, then goes on from the bus at the same number', async () => {
    const on = following(history(2_500));
    await on.follower.catchUp();
    expect([on.applied, on.reads]).toEqual([upTo(2_500), [0, 1_000, 2_000]]);
    expect(await on.deliver(stored(2_501))).toEqual({ ack: true });
    expect([on.follower.position(), on.reads.length]).toEqual([2_501, 3]);
  });
  it('applies each event once, in the order of the log, however often and in whatever order it is delivered', async () => {
    const deliveries = fc
      .integer({ min: 1, max: 20 })
      .chain((length) =>
        fc.tuple(
          fc.constant(length),
          fc.array(fc.integer({ min: 1, max: length }), { maxLength: 40 }),
          fc.infiniteStream(fc.nat()),
        ),
      )
      .map(([length, again, order]) => {
        const all = [...upTo(length), ...again].map((position) => ({ position, rank: order.next().value as number }));
        return { length, positions: all.toSorted((a, b) => a.rank - b.rank).map(({ position }) => position) };
      });
    await fc.assert(
      fc.asyncProperty(deliveries, async ({ length, positions }) => {
        const on = following();
        for (const position of positions) await on.deliver(stored(position));
        expect([on.applied, on.reads, on.follower.position()]).toEqual([upTo(length), [], length]);
      }),
    );
  });
  it('reads what never came, once it was waited for', async () => {
    const on = following(history(6));
    for (const position of [1, 3, 5]) await on.deliver(stored(position));
    jest.advanceTimersByTime(GAP_MS - 1);
    expect(await on.follower.sweep()).toBe(0);
    expect([on.applied, on.reads]).toEqual([[1], []]);
    jest.advanceTimersByTime(1);
    await on.follower.sweep();
    expect([on.applied, on.reads]).toEqual([upTo(6), [1]]);
    jest.advanceTimersByTime(10 * GAP_MS);
    await on.follower.sweep();
    await on.deliver(stored(5));
    expect([on.applied, on.reads]).toEqual([upTo(6), [1]]);
  });
  it('reads nothing for a gap that closed by itself', async () => {
    const on = following(history(2));
    for (const position of [2, 1]) await on.deliver(stored(position));
    jest.advanceTimersByTime(10 * GAP_MS);
    await on.follower.sweep();
    expect([on.applied, on.reads]).toEqual([[1, 2], []]);
  });
  it('tries a gap again when the log was away, even if nothing more is delivered', async () => {
    const on = following(history(2));
    await on.deliver(stored(2));
    on.away.times = 1;
    jest.advanceTimersByTime(GAP_MS);
    await expect(on.follower.sweep()).rejects.toThrow('connection refused');
    jest.advanceTimersByTime(GAP_MS);
    await on.follower.sweep();
    expect([on.applied, on.reads.length]).toEqual([[1, 2], 2]);
  });
  it('takes what is delivered while it reads, once', async () => {
    const on = following(history(3));
    const caught = on.follower.catchUp();
    const delivered = [1, 2, 4, 5].map((position) => on.deliver(stored(position)));
    expect(on.applied).toEqual([1, 2]);
    await Promise.all([caught, on.follower.catchUp(), ...delivered]);
    expect([on.applied, on.reads]).toEqual([upTo(5), [0]]);
  });
  it('does not wait for ever more: too many events after a gap make it read', async () => {
    const on = following(history(10_002));
    for (const position of upTo(10_001)) await on.deliver(stored(position + 1));
    expect([on.follower.position(), on.applied.length, on.reads.at(0)]).toEqual([10_002, 10_002, 0]);
  });
  it('leaves an event out that it cannot read, says so, and goes on', async () => {
    const log = [stored(1), stored(2, 'TaskCancelled', '{"mission_id":7}'), stored(3, 'TaskCancelled', 'no json')];
    const on = following(log);
    await on.follower.catchUp();
    for (const event of [stored(4, 'TaskCancelled', '{}'), stored(5)]) await on.deliver(event);
    expect(on.applied).toEqual([1, 5]);
    expect(on.left_out).toEqual([
      [2, expect.stringContaining('does not fit its schema')],
      [3, expect.stringContaining('is not JSON')],
      [4, expect.stringContaining('does not fit its schema')],
    ]);
    expect(on.follower.position()).toBe(5);
  });
  it('does not parse what is not wanted, from the log or from the bus', async () => {
    const on = following([stored(1, 'TaskStopped', 'never parsed')]);
    await on.follower.catchUp();
    for (const event of [stored(3), stored(2, 'TaskStopped', 'never parsed')]) await on.deliver(event);
    expect([on.parsed, on.applied, on.left_out, on.follower.position()]).toEqual([[3], [3], [], 3]);
  });
});
