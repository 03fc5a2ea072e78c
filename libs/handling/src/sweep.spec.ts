import { LEASE_MS } from '@baton/domain';
import { describe, expect, it } from '@jest/globals';
import { base, MISSION, task } from '@baton/testing';
import { bench } from '../test/bench.ts';

const streamOf = (id: string): string => `task-${MISSION}.${id}`;
const TASK = streamOf('a');
const start = (id = 'a') => ({
  stream: streamOf(id),
  command: { type: 'StartTask', mission_id: MISSION, task: task(id), base },
  causation_id: `ready-${id}`,
  correlation_id: MISSION,
  actor: { kind: 'service', id: 'executor' } as const,
});

describe('a sweep', () => {
  it('takes every due stream over although one of them cannot be read', async () => {
    const on = bench();
    const runtime = on.service(
      { name: 'executor' },
      {
        log: {
          load: (stream, after) => (stream === TASK ? Promise.reject(new TypeError('unreadable')) : on.log.load(stream, after)),
        },
      },
    );
    const writer = on.service({ name: 'executor' });
    for (const id of ['a', 'b']) await writer.submit(start(id));
    await on.pass(LEASE_MS);
    expect(await runtime.sweep()).toBe(2);
    expect([await on.types(TASK), (await on.types(streamOf('b'))).at(-1)]).toEqual([['AttemptStarted'], 'RetryScheduled']);
    expect(on.faults).toEqual([`deadline attempt-1 of ${TASK}: unreadable`]);
  });
  it('takes nothing once the service stopped', async () => {
    const on = bench();
    const runtime = on.service({ name: 'executor' });
    await runtime.submit(start());
    await on.pass(LEASE_MS);
    await runtime.stop(0);
    expect(await runtime.sweep()).toBe(0);
  });
});
