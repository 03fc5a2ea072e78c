import { LEASE_MS } from '@baton/domain';
import { describe, expect, it } from '@jest/globals';
import { base, change, MISSION, receipt, task } from '@baton/testing';
import { bench, settled } from '../test/bench.ts';

const streamOf = (id: string): string => `task-${MISSION}.${id}`;
const TASK = streamOf('a');
/** Longer than the first retry is put off. */
const RETRY_MS = 60_000;
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
    expect([on.failed, on.faults]).toEqual([[`attempt-1 of ${TASK}: unreadable`], []]);
  });
  it('tells again and again of a deadline that fails each time it comes back', async () => {
    const on = bench();
    const runtime = on.service({ name: 'executor' }, { log: { append: () => Promise.reject(new Error('refused')) } });
    await on.service({ name: 'executor' }).submit(start());
    for (let rounds = 1; rounds <= 3; rounds++) {
      await on.pass(LEASE_MS);
      expect(await runtime.sweep()).toBe(1);
      expect(on.failed).toEqual(new Array(rounds).fill(`attempt-1 of ${TASK}: refused`));
    }
  });
  it('leaves a retry that is due where it is while every slot is taken, and says so by having none free', async () => {
    const on = bench();
    const writer = on.service({ name: 'executor' });
    await writer.submit(start('a'));
    const ended = Promise.withResolvers<void>();
    const worked: string[] = [];
    const perform = {
      attempt: async ({ stream }: { readonly stream: string }): Promise<void> => {
        worked.push(stream);
        if (stream !== TASK) await ended.promise;
      },
    };
    const full = on.service({ name: 'executor', perform }, { slots: 1 });
    await full.submit(start('b'));
    await on.pass(LEASE_MS);
    // Its holder is gone: found lost by a sweep of somebody else, it is to be tried again.
    expect(await writer.sweep()).toBe(1);
    await on.pass(RETRY_MS);
    expect([full.freeSlots(), await full.sweep(), on.failed]).toEqual([0, 0, []]);
    expect((await on.types(TASK)).at(-1)).toBe('RetryScheduled');
    const cancel = { type: 'CancelTask', mission_id: MISSION, task_id: 'b', reason: '' };
    await full.submit({ ...start('b'), command: cancel, causation_id: 'cancel-b' });
    ended.resolve();
    await settled();
    expect([full.freeSlots(), await full.sweep()]).toEqual([1, 1]);
    await settled();
    expect([(await on.types(TASK)).at(-1), worked]).toEqual(['AttemptStarted', [streamOf('b'), TASK]]);
  });
  it('tells of work whose holder is gone where no event does', async () => {
    const on = bench();
    const ended = Promise.withResolvers<void>();
    const review = async ({ submit }: { readonly submit: (command: unknown) => Promise<unknown> }): Promise<void> => {
      await ended.promise;
      await submit({ type: 'ConcludeReview', attempt: 1, verdicts: [], findings: [] });
    };
    const stream = `review-${MISSION}.a`;
    const subject = { mission_id: MISSION, task_id: 'a', attempt: 1, task: task('a'), base, summary: '' };
    const StartReview = { type: 'StartReview', ...subject, change: change('1'), receipts: [receipt('1')] };
    await on.service({ name: 'reviewer' }).submit({ ...start(), stream, command: StartReview });
    await on.service({ name: 'executor' }).submit(start());
    const [reviewer, executor] = [on.service({ name: 'reviewer', perform: { review } }), on.service({ name: 'executor' })];
    expect([await reviewer.sweep(), on.taken_over]).toEqual([0, []]);
    await on.pass(LEASE_MS);
    expect([await reviewer.sweep(), await executor.sweep(), on.taken_over]).toEqual([1, 1, ['review']]);
    expect([await on.types(stream), (await on.types(TASK)).slice(0, 2)]).toEqual([
      ['ReviewStarted'],
      ['AttemptStarted', 'AttemptLost'],
    ]);
    // It is worked on here now, and the lease is kept.
    await on.pass(LEASE_MS);
    expect([await reviewer.sweep(), on.taken_over, on.faults]).toEqual([0, ['review'], []]);
    ended.resolve();
    await settled();
    expect((await on.types(stream)).at(-1)).toBe('ChangesRequested');
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
