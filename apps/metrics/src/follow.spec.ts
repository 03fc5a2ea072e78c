import type { EventRecord, EventType, StoredEvent } from '@baton/contracts';
import { describe, expect, it } from '@jest/globals';
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
const upTo = (length: number): number[] => Array.from({ length }, (_, index) => index + 1);
const history = (length: number): StoredEvent[] => upTo(length).map((position) => stored(position));

/** A follower of a log that grows when the spec says so. */
function following(log: StoredEvent[] = []) {
  const applied: number[] = [];
  const left_out: (readonly [number, string])[] = [];
  const reads: number[] = [];
  const away = { times: 0 };
  const defect = { at: 0 };
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
    apply: ({ position }: EventRecord) => {
      if (position === defect.at) throw new Error('a defect of the fold');
      applied.push(position);
    },
    onUnreadable: (position, error) => void left_out.push([position, error.message]),
  });
  return { follower, applied, left_out, reads, away, defect, log };
}

describe('the follower', () => {
  it('reads the log to its end, and on from there', async () => {
    const on = following(history(2_500));
    await on.follower.readOn();
    expect([on.applied, on.reads]).toEqual([upTo(2_500), [0, 1_000, 2_000]]);
    on.log.push(stored(2_501));
    await on.follower.readOn();
    expect([on.applied.at(-1), on.follower.position(), on.reads.slice(3)]).toEqual([2_501, 2_501, [2_500]]);
  });
  it('asks once more where the last page was a full one', async () => {
    const on = following(history(1_000));
    await on.follower.readOn();
    expect([on.applied, on.reads]).toEqual([upTo(1_000), [0, 1_000]]);
  });
  it('goes on where it was when the log is back', async () => {
    const on = following(history(2));
    await on.follower.readOn();
    on.log.push(stored(3));
    on.away.times = 1;
    await expect(on.follower.readOn()).rejects.toThrow('connection refused');
    expect(on.follower.position()).toBe(2);
    await on.follower.readOn();
    expect([on.applied, on.reads]).toEqual([upTo(3), [0, 2, 2]]);
  });
  it('passes over nothing that it could not fold, and folds nothing twice', async () => {
    const on = following(history(3));
    on.defect.at = 2;
    await expect(on.follower.readOn()).rejects.toThrow('a defect of the fold');
    await expect(on.follower.readOn()).rejects.toThrow('a defect of the fold');
    expect([on.applied, on.follower.position()]).toEqual([[1], 1]);
    on.defect.at = 0;
    await on.follower.readOn();
    expect(on.applied).toEqual([1, 2, 3]);
  });
  it('leaves an event out that it cannot read, says so, and goes on', async () => {
    const log = [stored(1), stored(2, 'TaskCancelled', '{"mission_id":7}'), stored(3, 'TaskCancelled', 'no json'), stored(4)];
    const on = following(log);
    await on.follower.readOn();
    expect(on.applied).toEqual([1, 4]);
    expect(on.left_out).toEqual([
      [2, expect.stringContaining('does not fit its schema')],
      [3, expect.stringContaining('is not JSON')],
    ]);
    expect(on.follower.position()).toBe(4);
  });
  it('does not parse what is not wanted', async () => {
    const on = following([stored(1, 'TaskStopped', 'never parsed'), stored(2)]);
    await on.follower.readOn();
    expect([on.applied, on.left_out, on.follower.position()]).toEqual([[2], [], 2]);
  });
});
