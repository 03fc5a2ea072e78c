import { LEASE_MS } from '@baton/domain';
import { describe, expect, it } from '@jest/globals';
import { base, change, MISSION, receipt, task } from '@baton/testing';
import { bench, delivered, settled, taskReady } from '../test/bench.ts';
import type { ServiceDefinition } from './definition.ts';
import type { Work } from './work.ts';

const streamOf = (id: string): string => `task-${MISSION}.${id}`;
const start = (id: string) => ({
  stream: streamOf(id),
  command: { type: 'StartTask', mission_id: MISSION, task: task(id), base },
  causation_id: `ready-${id}`,
  correlation_id: MISSION,
  actor: { kind: 'service', id: 'executor' } as const,
});
/** An agent that works until it is told to stop. */
const working: ServiceDefinition = {
  name: 'executor',
  perform: {
    attempt: ({ signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
  },
};
const success = { type: 'RecordSuccess', attempt: 1, summary: '', change: change('1'), receipts: [receipt('1')] };

function gate() {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}
const GIVEN_BACK = { ack: false, nak_delay_ms: 200 };

describe('a message of long work', () => {
  it('is given back undecided where no slot is free, and is no attempt that gets lost', async () => {
    const on = bench();
    const [one, other] = [1, 2].map(() => on.service(working, { slots: 1 })) as [
      ReturnType<typeof on.service>,
      ReturnType<typeof on.service>,
    ];
    expect(await one.receive(delivered('executor', taskReady(1, 'a')))).toEqual({ ack: true });
    expect(await one.receive(delivered('executor', taskReady(2, 'b')))).toEqual(GIVEN_BACK);
    expect(await on.types(streamOf('b'))).toEqual([]);
    expect(await other.receive(delivered('executor', taskReady(2, 'b'), 2))).toEqual({ ack: true });
    for (let leases = 0; leases < 3; leases++) {
      await on.pass(LEASE_MS);
      for (const runtime of [one, other]) await runtime.sweep();
    }
    for (const id of ['a', 'b']) expect(await on.types(streamOf(id))).toEqual(['AttemptStarted']);
  });
  it('takes a slot that no other message has, however many come at once', async () => {
    const on = bench();
    const runtime = on.service(working, { slots: 2 });
    const all = ['a', 'b', 'c'].map((id, index) => runtime.receive(delivered('executor', taskReady(index + 1, id))));
    expect(await Promise.all(all)).toEqual([{ ack: true }, { ack: true }, GIVEN_BACK]);
  });
  it.each([
    ['waits for a sweep that looks, and takes the slot that it left', 0, { ack: true }],
    ['is given back when a sweep took the slot that it was asked for', 1, GIVEN_BACK],
  ])('%s', async (_what, due, settlement) => {
    const on = bench();
    if (due > 0) {
      // Lost by one that has no agents, and due to be made again.
      const idle = on.service({ name: 'executor' });
      await idle.submit(start('a'));
      await on.pass(LEASE_MS);
      await idle.sweep();
    }
    const { opened, open } = gate();
    const runtime = on.service(working, {
      slots: 1,
      log: { claimDue: async (claim) => (await opened, on.log.claimDue(claim)) },
    });
    const swept = runtime.sweep();
    const received = runtime.receive(delivered('executor', taskReady(3, 'c')));
    await settled();
    expect(await on.types(streamOf('c'))).toEqual([]);
    open();
    expect(await swept).toBe(due);
    expect(await received).toEqual(settlement);
  });
});

describe('a lease that comes to a process which stops', () => {
  it('is given back at once where it was being appended then, and what began nowhere waits for nobody', async () => {
    const on = bench();
    const { opened, open } = gate();
    const stopping = on.service(working, { log: { append: async (append) => (await opened, on.log.append(append)) } });
    const received = stopping.receive(delivered('executor', taskReady(1, 'a')));
    await settled();
    const stopped = stopping.stop(25_000);
    open();
    expect(await received).toEqual({ ack: true });
    await stopped;
    expect(await on.types(streamOf('a'))).toEqual(['AttemptStarted']);
    expect(await on.service(working).sweep()).toBe(1);
  });
  it('is given back at once where it came while the work before it still ran', async () => {
    const on = bench();
    let reported: Work | undefined;
    const reporting: ServiceDefinition = {
      name: 'executor',
      perform: {
        attempt: async (work) => {
          reported = work;
          await work.submit(success);
          await new Promise<void>((_resolve, reject) =>
            work.signal.addEventListener('abort', () => reject(new Error('stopped'))),
          );
        },
      },
    };
    const stopping = on.service(reporting);
    await stopping.submit(start('a'));
    await settled();
    expect(reported?.key).toBe('attempt-1');
    // The review was quick, and the process stops before it comes to the next attempt.
    await stopping.submit({ ...start('a'), command: { type: 'Rework', attempt: 1, findings: [] }, causation_id: 'rework' });
    const stopped = stopping.stop(1_000);
    await on.pass(1_000);
    await stopped;
    expect(await on.types(streamOf('a'))).toEqual(['AttemptStarted', 'AttemptSucceeded', 'AttemptStarted']);
    expect(await on.service(working).sweep()).toBe(1);
  });
});
