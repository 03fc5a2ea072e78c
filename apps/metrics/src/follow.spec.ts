import { parseStored, subjectOf, type EventRecord, type EventType, type StoredEvent } from '@baton/contracts';
import type { Delivery } from '@baton/handling';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { follow } from './follow.ts';

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
  const away = { times: 0 };
  const follower = follow({
    log: {
      readAfter: async (after, limit) => {
        reads.push(after);
        const read = log.filter(({ position }) => position > after).slice(0, limit);
        await Promise.resolve();
        if (away.times-- > 0) throw new Error('connection refused');
        return read;
      },
    },
    wanted: new Set(['TaskCancelled']),
    apply: (event: EventRecord) => void applied.push(event.position),
    onUnreadable: (position, error) => void left_out.push([position, error.message]),
  });
  /** As the bus has it, whatever the log holds. */
  const deliver = (event: StoredEvent) => {
    const delivery: Delivery = {
      kind: 'event',
      consumer: 'metrics-fold',
      subject: subjectOf(event.type as EventType),
      headers: {},
      body: event.data,
      deliveries: 1,
      sequence: event.position,
      event: () => parseStored(event),
    };
    return follower.receive(delivery);
  };
  const happens = (event: StoredEvent) => {
    log.push(event);
    return deliver(event);
  };
  return { follower, deliver, happens, applied, left_out, reads, away, log };
}
const upTo = (length: number): number[] => Array.from({ length }, (_, index) => index + 1);

describe('the follower', () => {
  it('reads the log to its end, and on when the bus says that there is more', async () => {
    const on = following(history(2_500));
    await on.follower.catchUp();
    expect([on.applied, on.reads]).toEqual([upTo(2_500), [0, 1_000, 2_000]]);
    expect(await on.happens(stored(2_501))).toEqual({ ack: true });
    expect([on.applied.at(-1), on.follower.position(), on.reads.slice(3)]).toEqual([2_501, 2_501, [2_500]]);
  });
  it('what the bus said and the log does not hold is in no number', async () => {
    const on = following(history(2));
    await on.follower.catchUp();
    for (const forged of [stored(3), stored(1_000_000)]) await on.deliver(forged);
    expect([on.applied, on.follower.position()]).toEqual([[1, 2], 2]);
    // The true event of that position, of a type that is not folded; and what follows it.
    await on.happens(stored(3, 'TaskStopped'));
    await on.happens(stored(4));
    expect([on.applied, on.follower.position()]).toEqual([[1, 2, 4], 4]);
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
      fc.asyncProperty(deliveries, fc.infiniteStream(fc.boolean()), async ({ length, positions }, waits) => {
        const on = following();
        const delivered: Promise<unknown>[] = [];
        for (const position of positions) {
          // What is on the bus is in the log, with all that is before it.
          while (on.log.length < position) on.log.push(stored(on.log.length + 1));
          delivered.push(on.deliver(stored(position)));
          if (waits.next().value) await Promise.resolve();
        }
        await Promise.all(delivered);
        expect([on.applied, on.follower.position()]).toEqual([upTo(length), length]);
      }),
    );
  });
  it('asks once for all that was gathered', async () => {
    const on = following(history(300));
    await Promise.all(upTo(300).map((position) => on.deliver(stored(position))));
    expect([on.applied, on.reads]).toEqual([upTo(300), [0]]);
  });
  it('asks again for what is delivered while it reads', async () => {
    const on = following(history(3));
    const caught = on.follower.catchUp();
    await Promise.all([on.happens(stored(4)), on.happens(stored(5)), caught]);
    expect([on.applied, on.reads]).toEqual([upTo(5), [0, 3]]);
  });
  it('reads what it could not read when the log is back, even if nothing more is delivered', async () => {
    const on = following(history(2));
    on.away.times = 2;
    expect(await on.deliver(stored(2))).toEqual({ ack: true });
    await expect(on.follower.sweep()).rejects.toThrow('connection refused');
    await on.follower.sweep();
    await on.follower.sweep();
    expect([on.applied, on.reads]).toEqual([
      [1, 2],
      [0, 0, 0],
    ]);
  });
  it('leaves an event out that it cannot read, says so, and goes on', async () => {
    const log = [stored(1), stored(2, 'TaskCancelled', '{"mission_id":7}'), stored(3, 'TaskCancelled', 'no json')];
    const on = following(log);
    await on.follower.catchUp();
    for (const event of [stored(4, 'TaskCancelled', '{}'), stored(5)]) await on.happens(event);
    expect(on.applied).toEqual([1, 5]);
    expect(on.left_out).toEqual([
      [2, expect.stringContaining('does not fit its schema')],
      [3, expect.stringContaining('is not JSON')],
      [4, expect.stringContaining('does not fit its schema')],
    ]);
    expect(on.follower.position()).toBe(5);
  });
  it('does not parse what is not wanted', async () => {
    const on = following([stored(1, 'TaskStopped', 'never parsed')]);
    await on.follower.catchUp();
    for (const event of [stored(2, 'TaskStopped', 'never parsed'), stored(3)]) await on.happens(event);
    expect([on.applied, on.left_out, on.follower.position()]).toEqual([[3], [], 3]);
  });
});
