import { LEASE_MS } from '@baton/domain';
import { describe, expect, it } from '@jest/globals';
import { base, change, MISSION, receipt, task } from '@baton/testing';
import { bench, settled } from '../test/bench.ts';
import type { ServiceDefinition } from './definition.ts';
import type { Performer, Work } from './work.ts';

const streamOf = (id: string): string => `task-${MISSION}.${id}`;
const TASK = streamOf('a');
const request = (command: unknown, id = 'a') => ({
  stream: streamOf(id),
  command,
  causation_id: JSON.stringify(command).slice(0, 40) + id,
  correlation_id: MISSION,
  actor: { kind: 'service', id: 'executor' } as const,
});
const start = (id = 'a') => request({ type: 'StartTask', mission_id: MISSION, task: task(id), base }, id);
const cancel = request({ type: 'CancelTask', mission_id: MISSION, task_id: 'a', reason: '' });
const success = (attempt: number) => ({
  type: 'RecordSuccess',
  attempt,
  summary: '',
  change: change('1'),
  receipts: [receipt('1')],
});
const executor = (attempt: Performer): ServiceDefinition => ({ name: 'executor', perform: { attempt } });

/** Agents whose work ends when the spec says so. */
function agents() {
  const works: { readonly work: Work; readonly end: () => void; readonly fail: (error: unknown) => void }[] = [];
  const perform: Performer = (work) =>
    new Promise<void>((resolve, reject) => {
      work.signal.addEventListener('abort', () => reject(work.signal.reason as Error));
      works.push({ work, end: resolve, fail: reject });
    });
  const report = async (index: number, command: unknown): Promise<void> => {
    const { work, end } = works.at(index)!;
    await work.submit(command);
    end();
    await settled();
  };
  return { works, perform, report };
}

describe('work', () => {
  it('starts with the state that asks for it, and its report moves the stream on', async () => {
    const on = bench();
    const { works, perform, report } = agents();
    const runtime = on.service(executor(perform));
    await runtime.submit(start());
    await settled();
    expect(works.at(0)!.work).toMatchObject({
      stream: TASK,
      mission_id: MISSION,
      key: 'attempt-1',
      state: { status: 'running', attempt: 1 },
    });
    await report(0, success(1));
    expect(await on.types(TASK)).toEqual(['AttemptStarted', 'AttemptSucceeded']);
    expect([runtime.stats().running_work, works.length]).toEqual([0, 1]);
  });
  it('keeps its lease as long as it runs', async () => {
    const on = bench();
    const { works, perform } = agents();
    await on.service(executor(perform)).submit(start());
    const other = on.service(executor(perform));
    for (let leases = 0; leases < 5; leases++) {
      await on.pass(LEASE_MS - 1);
      expect(await other.sweep()).toBe(0);
    }
    expect([works.length, works.at(0)!.work.signal.aborted]).toEqual([1, false]);
  });
  it('is taken over when its holder is gone, as a lost attempt that is made again', async () => {
    const on = bench();
    const [dead, alive] = [agents(), agents()];
    // The holder dies with its timers: nobody pushes its lease back any more.
    await on.service(executor(dead.perform), { log: { extend: () => new Promise(() => {}) } }).submit(start());
    const other = on.service(executor(alive.perform));
    await on.pass(LEASE_MS);
    while ((await other.sweep()) > 0) await settled();
    expect(await on.types(TASK)).toEqual(['AttemptStarted', 'AttemptLost', 'RetryScheduled', 'AttemptStarted']);
    expect((await on.log.load(TASK)).at(1)!.data).toContain('executor-1');
    expect(alive.works.map(({ work }) => work.key)).toEqual(['attempt-2']);
  });
  it('that lost its lease is aborted, its report is stale, and it does not work on what the other one holds', async () => {
    const on = bench();
    const [slow, quick] = [agents(), agents()];
    let away = false;
    const cut = <T>(call: () => Promise<T>): Promise<T> => (away ? Promise.reject(new Error('out of reach')) : call());
    await on
      .service(executor(slow.perform), {
        log: { extend: (lease) => cut(() => on.log.extend(lease)), append: (append) => cut(() => on.log.append(append)) },
      })
      .submit(start());
    await settled();
    away = true;
    const other = on.service(executor(quick.perform));
    await on.pass(LEASE_MS);
    while ((await other.sweep()) > 0) await settled();
    // The work ended before the heartbeat came through again: the report waits for the store and finds the attempt lost.
    const reported = slow.works.at(0)!.work.submit(success(1));
    await settled();
    away = false;
    await on.pass(1_000);
    expect(await reported).toMatchObject({ status: 'refused', reason: 'stale-attempt' });
    slow.works.at(0)!.end();
    await on.pass(LEASE_MS / 4);
    expect([slow.works.length, quick.works.length]).toEqual([1, 1]);
    await quick.report(0, success(2));
    expect((await on.types(TASK)).at(-1)).toBe('AttemptSucceeded');
  });
  it('is aborted when its stream is cancelled', async () => {
    const on = bench();
    const { works, perform } = agents();
    const runtime = on.service(executor(perform));
    await runtime.submit(start());
    await settled();
    await runtime.submit(cancel);
    await settled();
    expect([works.at(0)!.work.signal.aborted, runtime.stats().running_work]).toEqual([true, 0]);
    expect(await on.types(TASK)).toEqual(['AttemptStarted', 'TaskCancelled']);
  });
  it('is aborted when another process cancelled its stream', async () => {
    const on = bench();
    const { works, perform } = agents();
    await on.service(executor(perform)).submit(start());
    await settled();
    await on.service({ name: 'executor' }).submit(cancel);
    await on.pass(LEASE_MS / 4);
    expect(works.at(0)!.work.signal.aborted).toBe(true);
  });
  it('that cannot be done is tried three times, then recorded as failed', async () => {
    const on = bench();
    let tries = 0;
    const runtime = on.service(
      executor(async () => {
        tries++;
        throw new Error('no disk');
      }),
    );
    await runtime.submit(start());
    await on.pass(10_000);
    expect(tries).toBe(3);
    expect(await on.types(TASK)).toEqual(['AttemptStarted', 'AttemptFailed', 'RetryScheduled']);
    expect((await on.log.load(TASK)).at(1)!.data).toContain('no disk (tried 3 times)');
    expect(await runtime.sweep()).toBe(1);
    await settled();
    expect(await on.types(TASK)).toContain('RetryScheduled');
  });
  it.each(['semantic', 'policy'])('that fails for a %s reason is not tried again', async (failure_class) => {
    const on = bench();
    let tries = 0;
    await on
      .service(
        executor(async () => {
          tries++;
          throw Object.assign(new Error('not allowed'), { failure_class });
        }),
      )
      .submit(start());
    await on.pass(10_000);
    expect([tries, await on.types(TASK)]).toEqual([1, ['AttemptStarted', 'AttemptFailed', 'TaskBlocked']]);
  });
  it('whose report nobody can decide or keep is not done again: it would be the same', async () => {
    const on = bench();
    let tries = 0;
    const service = executor(async (work) => {
      tries++;
      await work.submit({ type: 'NobodyKnows' });
    });
    await on.service(service).submit(start());
    await on.pass(10_000);
    expect([tries, await on.types(TASK)]).toEqual([1, ['AttemptStarted', 'AttemptFailed', 'TaskBlocked']]);
    expect((await on.log.load(TASK)).at(1)!.data).toMatch(/"failure_class":"semantic","cause":"unexpected /);
  });
  it.each<readonly [string, Performer]>([
    ['without a report', async () => {}],
    ['with a report that is refused', async (work) => void (await work.submit(success(9)))],
    [
      'with a report that changes nothing',
      async (work) => void (await work.submit({ type: 'Rework', attempt: 9, findings: [] })),
    ],
    ['by throwing nothing at all', () => Promise.reject(undefined)],
  ])('whose performer ends %s is a failure, not a loop', async (_how, performer) => {
    const on = bench();
    let tries = 0;
    await on.service(executor((work) => ((tries += 1), performer(work)))).submit(start());
    await on.pass(10_000);
    expect([tries, await on.types(TASK)]).toEqual([3, ['AttemptStarted', 'AttemptFailed', 'RetryScheduled']]);
  });
  it('whose report meets a store that is away is not thrown away with it', async () => {
    const on = bench();
    const { works, perform } = agents();
    let away = 10;
    let started = false;
    await on
      .service(executor(perform), {
        log: {
          append: (append) => (started && away-- > 0 ? Promise.reject(new Error('connection refused')) : on.log.append(append)),
        },
      })
      .submit(start());
    await settled();
    started = true;
    const reported = works.at(0)!.work.submit(success(1));
    await on.pass(60_000);
    expect(await reported).toMatchObject({ status: 'appended' });
    works.at(0)!.end();
    await settled();
    expect([works.length, await on.types(TASK)]).toEqual([1, ['AttemptStarted', 'AttemptSucceeded']]);
  });
  it('whose report was committed and never answered is recorded once', async () => {
    const on = bench();
    const { works, perform } = agents();
    let lost = false;
    const append: typeof on.log.append = async (request) => {
      const answer = await on.log.append(request);
      if (!lost || request.events.at(0)!.type !== 'AttemptSucceeded') return answer;
      lost = false;
      throw new Error('connection reset');
    };
    await on.service(executor(perform), { log: { append } }).submit(start());
    await settled();
    lost = true;
    const reported = works.at(0)!.work.submit(success(1));
    await on.pass(1_000);
    expect(await reported).toMatchObject({ status: 'already' });
    works.at(0)!.end();
    await on.pass(10_000);
    expect([works.length, await on.types(TASK)]).toEqual([1, ['AttemptStarted', 'AttemptSucceeded']]);
  });
  it('runs in as many slots as there are; the rest waits, and is told when one gets free', async () => {
    const on = bench();
    const { works, perform, report } = agents();
    const runtime = on.service(executor(perform), { slots: 2 });
    let freed = 0;
    runtime.onSlotFree(() => freed++);
    for (const id of ['a', 'b', 'c']) await runtime.submit(start(id));
    await settled();
    expect([works.length, runtime.freeSlots(), await runtime.sweep()]).toEqual([2, 0, 0]);
    await report(0, success(1));
    expect([works.map(({ work }) => work.stream), freed]).toEqual([[streamOf('a'), streamOf('b'), streamOf('c')], 0]);
    await report(1, success(1));
    expect([runtime.freeSlots(), freed]).toEqual([1, 1]);
  });
  it('that waited for a slot until another process took it is left to that one', async () => {
    const on = bench();
    const [one, other] = [agents(), agents()];
    const busy = on.service(executor(one.perform), { slots: 1 });
    for (const id of ['a', 'b']) await busy.submit(start(id));
    await on.pass(LEASE_MS + 1);
    const free = on.service(executor(other.perform));
    while ((await free.sweep()) > 0) await settled();
    await one.report(0, success(1));
    expect([one.works.length, other.works.map(({ work }) => work.key)]).toEqual([1, ['attempt-2']]);
  });
  it('that is asked for again while it ends is not forgotten', async () => {
    const on = bench();
    const { works, perform } = agents();
    const runtime = on.service(executor(perform));
    await runtime.submit(start());
    await settled();
    await works.at(0)!.work.submit(success(1));
    // The review was quick: the next attempt is asked for before the performer of this one has cleaned up.
    await runtime.submit(request({ type: 'Rework', attempt: 1, findings: [] }));
    works.at(0)!.end();
    await settled();
    expect(works.map(({ work }) => work.key)).toEqual(['attempt-1', 'attempt-2']);
  });
  it('is given back when the service stops: running or waiting, it is due at once for the others', async () => {
    const on = bench();
    const [one, other] = [agents(), agents()];
    const stopping = on.service(executor(one.perform), { slots: 1 });
    for (const id of ['a', 'b']) await stopping.submit(start(id));
    await settled();
    const stopped = Promise.all([stopping.stop(1_000), stopping.stop(1_000)]);
    await on.pass(999);
    expect(one.works.at(0)!.work.signal.aborted).toBe(false);
    await on.pass(1);
    await stopped;
    expect([one.works.length, one.works.at(0)!.work.signal.aborted, stopping.freeSlots()]).toEqual([1, true, 0]);
    expect(await on.service(executor(other.perform)).sweep()).toBe(2);
  });
  it('lets running work finish within its grace', async () => {
    const on = bench();
    const { perform, report } = agents();
    const runtime = on.service(executor(perform));
    await runtime.submit(start());
    await settled();
    const stopped = runtime.stop(60_000);
    await report(0, success(1));
    await stopped;
    expect(await on.types(TASK)).toEqual(['AttemptStarted', 'AttemptSucceeded']);
  });
});
