import { describe, expect, it } from '@jest/globals';
import { base, change, digest, ENDLESS, finding, MISSION, receipt, task as sample } from '@baton/testing';
import { OUTAGE_MS_MAX } from './outage.ts';
import { scenario } from './scenario.ts';
import { task, type TaskCommand } from './task.ts';

const start: TaskCommand = { type: 'StartTask', mission_id: MISSION, task: sample('a'), base };
const success = (attempt: number): TaskCommand => ({
  type: 'RecordSuccess',
  attempt,
  summary: 'done',
  change: change('1'),
  receipts: [receipt('1')],
});
const failure = (
  attempt: number,
  failure_class: 'transient' | 'semantic' | 'policy' = 'transient',
  cause = 'it broke',
): TaskCommand => ({ type: 'RecordFailure', attempt, failure_class, cause, output_tail: '' });
const outage = (attempt: number, cause = 'could not resolve host'): TaskCommand => ({ type: 'RecordOutage', attempt, cause });
const rework = (attempt: number): TaskCommand => ({ type: 'Rework', attempt, findings: [finding] });
const passed = (key: string, last_holder: string | null = null): TaskCommand => ({ type: 'DeadlinePassed', key, last_holder });
const workFailed = (key: string): TaskCommand => ({ type: 'WorkFailed', key, failure_class: 'transient', cause: 'no disk' });
const cancel: TaskCommand = { type: 'CancelTask', mission_id: MISSION, task_id: 'a', reason: 'not needed' };

const given = () => scenario(task).given();
const running = () => given().when(start).thenHappens('AttemptStarted').thenWaits('attempt-1');
const handedOver = () => running().when(success(1)).thenHappens('AttemptSucceeded');
const backingOff = () => running().when(failure(1)).thenHappens('AttemptFailed', 'RetryScheduled');

describe('a task', () => {
  it('is attempted, and what was made is handed over with what it was made for', () => {
    const { events } = handedOver().thenWaits(null);
    expect(events[0]).toMatchObject({
      data: { attempt: 1, task: sample('a'), base, change: change('1'), receipts: [receipt('1')] },
    });
  });
  it('starts once', () => void running().when(start).thenNothing().when(success(1)).when(start).thenNothing());
  it('is worked on again with the findings, when changes are requested', () => {
    const again = handedOver().when(rework(1)).thenHappens('AttemptStarted').thenWaits('attempt-2');
    expect(again.events[0]).toMatchObject({ data: { attempt: 2, findings: [finding] } });
    again.when(rework(1)).thenNothing().when(success(2)).thenHappens('AttemptSucceeded').when(rework(1)).thenNothing();
  });
  it('takes only the report of the current attempt', () => {
    const second = handedOver().when(rework(1));
    for (const stale of [success(1), failure(1)]) second.when(stale).thenRefused('stale-attempt').thenWaits('attempt-2');
    second.when(workFailed('attempt-1')).thenNothing().when(passed('attempt-1')).thenNothing();
    handedOver().when(success(1)).thenNothing().when(failure(1)).thenRefused('stale-attempt');
  });
  it('waits longer after each transient failure, then is blocked', () => {
    const first = backingOff().thenWaits('retry-2');
    expect(first.events[1]).toMatchObject({ data: { attempt: 2, after_ms: 1_000 } });
    const second = first
      .when(passed('retry-2'))
      .thenHappens('AttemptStarted')
      .when(failure(2))
      .thenHappens('AttemptFailed', 'RetryScheduled');
    expect(second.events[1]).toMatchObject({ data: { attempt: 3, after_ms: 2_000 } });
    second.when(passed('retry-3')).when(failure(3)).thenHappens('AttemptFailed', 'TaskBlocked').thenWaits(null);
  });
  it('waits for what is out of reach before an agent is started, and does not count it as a failure', () => {
    let told = given().when({ ...start, task: { ...sample('a'), attempts_max: 1 } });
    for (const [index, after_ms] of [5_000, 10_000, 20_000].entries()) {
      told = told.when(outage(index + 1)).thenHappens('AttemptFailed', 'RetryScheduled');
      expect(told.events).toMatchObject([{ data: { began: false } }, { data: { after_ms } }]);
      told = told.when(passed(`retry-${index + 2}`)).thenHappens('AttemptStarted');
    }
    told.when(outage(1)).thenRefused('stale-attempt');
    told.when(success(4)).thenHappens('AttemptSucceeded');
    told.when(failure(4)).thenHappens('AttemptFailed', 'TaskBlocked');
    // What came within reach is a new outage the next time.
    const reached = running().when(outage(1)).when(passed('retry-2')).when(failure(2)).when(passed('retry-3'));
    expect(reached.when(outage(3)).events[1]).toMatchObject({ data: { after_ms: 5_000 } });
  });
  it('is blocked by an outage that does not end for hours', () => {
    let told = running();
    let waited_ms = 0;
    for (let attempt = 1; ; attempt++) {
      told = told.when(outage(attempt, ENDLESS));
      const [, event] = told.events;
      if (event?.type !== 'RetryScheduled') break;
      waited_ms += event.data.after_ms;
      told = told.when(passed(`retry-${attempt + 1}`)).thenHappens('AttemptStarted');
    }
    expect([waited_ms, told.thenHappens('AttemptFailed', 'TaskBlocked').thenWaits(null).events.length]).toEqual([
      OUTAGE_MS_MAX,
      2,
    ]);
  });
  it('counts failures from the last attempt that came to a review', () => {
    const reviewed = backingOff().when(passed('retry-2')).when(success(2)).when(rework(2)).thenWaits('attempt-3');
    expect(reviewed.when(failure(3)).thenHappens('AttemptFailed', 'RetryScheduled').events[1]).toMatchObject({
      data: { after_ms: 1_000 },
    });
  });
  it('keeps the findings over a retry', () => {
    const retried = handedOver().when(rework(1)).when(failure(2)).when(passed('retry-3')).thenHappens('AttemptStarted');
    expect(retried.events[0]).toMatchObject({ data: { findings: [finding] } });
  });
  it('is blocked at once by a failure that trying again cannot mend', () => {
    for (const failure_class of ['semantic', 'policy'] as const) {
      const { events } = running().when(failure(1, failure_class)).thenHappens('AttemptFailed', 'TaskBlocked').thenWaits(null);
      expect(events[1]).toMatchObject({ data: { failure_class } });
    }
  });
  it('is tried again when the work could not be done at all', () =>
    void running().when(workFailed('attempt-1')).thenHappens('AttemptFailed', 'RetryScheduled').thenWaits('retry-2'));
  it('makes a lost attempt again at once, and does not count it as a failure', () => {
    const lost = running()
      .when(passed('attempt-1', 'executor-7'))
      .thenHappens('AttemptLost', 'RetryScheduled')
      .thenWaits('retry-2');
    expect(lost.events).toMatchObject([{ data: { attempt: 1, holder: 'executor-7' } }, { data: { attempt: 2, after_ms: 0 } }]);
    lost
      .when(passed('retry-2'))
      .when(failure(2))
      .when(passed('retry-3'))
      .when(failure(3))
      .thenHappens('AttemptFailed', 'RetryScheduled');
  });
  it('is blocked when one executor after the other dies of it', () => {
    let told = running();
    for (let attempt = 1; attempt < 10; attempt++)
      told = told
        .when(passed(`attempt-${attempt}`, 'e'))
        .thenHappens('AttemptLost', 'RetryScheduled')
        .when(passed(`retry-${attempt + 1}`))
        .thenHappens('AttemptStarted');
    told.when(passed('attempt-10', 'e')).thenHappens('AttemptLost', 'TaskBlocked').thenWaits(null);
  });
  it('can be cancelled in every state, also before it started, and then does nothing any more', () => {
    for (const state of [given(), running(), backingOff(), handedOver()]) {
      const cancelled = state.when(cancel).thenHappens('TaskCancelled').thenWaits(null);
      for (const late of [start, rework(1), workFailed('attempt-1'), passed('attempt-1'), passed('retry-2'), cancel])
        cancelled.when(late).thenNothing();
      for (const late of [success(1), failure(1)]) cancelled.when(late).thenRefused('stale-attempt');
    }
    running().when(failure(1, 'policy')).when(cancel).thenNothing();
  });
  it('is not changed by what comes too early', () => {
    for (const early of [rework(1), workFailed('attempt-1'), passed('attempt-1')]) given().when(early).thenNothing();
    running().when(rework(1)).thenNothing();
    backingOff().when(passed('attempt-2')).thenNothing().when(passed('retry-3')).thenNothing();
  });
  it('keeps causes readable, however long they are told', () => {
    running()
      .when(failure(1, 'transient', ENDLESS))
      .thenHappens('AttemptFailed', 'RetryScheduled');
    running()
      .when(failure(1, 'semantic', ENDLESS))
      .thenHappens('AttemptFailed', 'TaskBlocked');
    running()
      .when({ type: 'WorkFailed', key: 'attempt-1', failure_class: 'policy', cause: ENDLESS })
      .thenHappens('AttemptFailed', 'TaskBlocked');
    running()
      .when({ ...cancel, reason: ENDLESS })
      .thenHappens('TaskCancelled');
  });
  it('hands on what is in the artifact, not a path', () =>
    expect(handedOver().events[0]).toMatchObject({ data: { change: { artifact: digest('1') } } }));
});
