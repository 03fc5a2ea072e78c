import type { Append } from '@baton/ports';
import { describe, expect, it } from '@jest/globals';
import { base, change, MISSION, receipt, task } from '@baton/testing';
import { bench, settled } from '../test/bench.ts';
import type { Performer } from './work.ts';

const TASK = `task-${MISSION}.a`;
const start = {
  stream: TASK,
  command: { type: 'StartTask', mission_id: MISSION, task: task('a'), base },
  causation_id: 'start',
  correlation_id: MISSION,
  actor: { kind: 'service', id: 'executor' } as const,
};
const success = (attempt: number) => ({
  type: 'RecordSuccess',
  attempt,
  summary: '',
  change: change('1'),
  receipts: [receipt('1')],
});

/** One service whose every attempt may be made at once, and the types of events of each of its appends. */
function executing(attempt: Performer) {
  const on = bench();
  const appends: (readonly string[])[] = [];
  const append = (asked: Append): ReturnType<typeof on.log.append> => {
    appends.push(asked.events.map(({ type }) => type));
    return on.log.append(asked);
  };
  const runtime = on.service({ name: 'executor', perform: { attempt }, at_once: { attempt: () => true } }, { log: { append } });
  return { ...on, appends, runtime };
}

describe('work at once', () => {
  it('is recorded with the state that asked for it, in one append', async () => {
    const on = executing(async (work) => void (await work.submit(success(1))));
    expect(await on.runtime.submit(start)).toMatchObject({ status: 'appended', waiting: null });
    expect(on.appends).toEqual([['AttemptStarted', 'AttemptSucceeded']]);
  });

  it('that fails is done again under its lease: the intent alone was appended, without waiting', async () => {
    let tries = 0;
    const on = executing(async (work) => {
      if (++tries === 1) throw new Error('no disk');
      await work.submit(success(1));
    });
    // No time passes: what has failed is not waited for.
    void on.runtime.submit(start);
    for (let turn = 0; turn < 20; turn++) await settled();
    expect(on.appends).toEqual([['AttemptStarted'], ['AttemptSucceeded']]);
    expect([tries, on.faults]).toEqual([2, [`attempt of ${TASK}, at once: no disk`]]);
  });

  it('that takes too long is told to stop, and done again under its lease', async () => {
    const signals: AbortSignal[] = [];
    const on = executing(async (work) => {
      signals.push(work.signal);
      if (signals.length === 1) await new Promise(() => {});
      await work.submit(success(1));
    });
    void on.runtime.submit(start);
    await on.pass(999);
    expect(on.appends).toEqual([]);
    await on.pass(1);
    expect(on.appends).toEqual([['AttemptStarted'], ['AttemptSucceeded']]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  });

  it('whose report is refused leaves the intent alone', async () => {
    const told: string[] = [];
    const on = executing(async (work) => {
      const attempt = told.length === 0 ? 7 : 1;
      await work.submit(success(attempt)).then(
        ({ status }) => told.push(status),
        (error: Error) => told.push(error.message),
      );
    });
    await on.runtime.submit(start);
    await on.pass(1_000);
    expect(told).toEqual([`what attempt of ${TASK} reported was not recorded`, 'appended']);
    expect(on.appends).toEqual([['AttemptStarted'], ['AttemptSucceeded']]);
  });
});
