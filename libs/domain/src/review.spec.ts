import { describe, expect, it } from '@jest/globals';
import { base, change, ENDLESS, finding, MISSION, receipt, task } from '@baton/testing';
import { REVIEW_ROUNDS_MAX, review, type ReviewCommand } from './review.ts';
import { scenario } from './scenario.ts';

const start = (attempt: number): ReviewCommand => ({
  type: 'StartReview',
  mission_id: MISSION,
  task_id: 'a',
  attempt,
  task: task('a'),
  base,
  change: change(String(attempt % 10)),
  receipts: [receipt(String(attempt % 10))],
  summary: 'done',
});
const conclude = (attempt: number, holds: boolean, findings = holds ? [] : [finding]): ReviewCommand => ({
  type: 'ConcludeReview',
  attempt,
  verdicts: [{ criterion_id: 'tests', holds, evidence: 'exit code' }],
  findings,
});
const failed = (key: string, cause = 'no artifact'): ReviewCommand => ({
  type: 'WorkFailed',
  key,
  failure_class: 'transient',
  cause,
});

const given = () => scenario(review).given();
const reviewing = () => given().when(start(1)).thenHappens('ReviewStarted').thenWaits('review-1');

describe('a review', () => {
  it('accepts what holds, naming the artifact and the tree that were judged', () => {
    const { events } = reviewing().when(conclude(1, true)).thenHappens('VerdictGiven', 'ReviewConcluded').thenWaits(null);
    expect(events[1]).toMatchObject({ data: { outcome: 'accepted', artifact: change('1').artifact, tree: change('1').tree } });
  });
  it('requests changes with the findings, and reviews the next attempt', () => {
    const again = reviewing()
      .when(conclude(1, false))
      .thenHappens('VerdictGiven', 'FindingRaised', 'ReviewConcluded', 'ChangesRequested')
      .thenWaits(null);
    expect(again.events[3]).toMatchObject({ data: { attempt: 1, findings: [finding] } });
    again
      .when(start(2))
      .thenHappens('ReviewStarted')
      .thenWaits('review-2')
      .when(conclude(2, true))
      .thenHappens('VerdictGiven', 'ReviewConcluded');
  });
  it('turns a verdict without a finding into one, so that somebody can mend it', () => {
    const { events } = reviewing()
      .when(conclude(1, false, []))
      .thenHappens('VerdictGiven', 'ReviewConcluded', 'ChangesRequested');
    expect(events[2]).toMatchObject({
      data: { findings: [{ criterion_id: 'tests', severity: 'blocking', evidence: 'exit code' }] },
    });
  });
  it('takes advice, and findings without evidence, as no reason to send work back', () => {
    reviewing()
      .when(conclude(1, true, [{ ...finding, severity: 'advice' }]))
      .thenHappens('VerdictGiven', 'FindingRaised', 'ReviewConcluded');
    reviewing()
      .when(conclude(1, true, [{ ...finding, evidence: ' ' }]))
      .thenHappens('VerdictGiven', 'FindingRaised', 'ReviewConcluded');
  });
  it('lets a blocking finding outweigh verdicts that hold', () =>
    void reviewing()
      .when(conclude(1, true, [finding]))
      .thenHappens('VerdictGiven', 'FindingRaised', 'ReviewConcluded', 'ChangesRequested'));
  it('accepts nothing that nobody judged', () => {
    const silent: ReviewCommand = { type: 'ConcludeReview', attempt: 1, verdicts: [], findings: [] };
    const { events } = reviewing().when(silent).thenHappens('VerdictGiven', 'ReviewConcluded', 'ChangesRequested');
    expect(events[1]).toMatchObject({ data: { outcome: 'changes-requested' } });
  });
  it('asks a person when it does not converge', () => {
    let told = reviewing();
    for (let attempt = 1; attempt < REVIEW_ROUNDS_MAX; attempt++)
      told = told
        .when(conclude(attempt, false))
        .thenHappens('VerdictGiven', 'FindingRaised', 'ReviewConcluded', 'ChangesRequested')
        .when(start(attempt + 1))
        .thenHappens('ReviewStarted');
    const last = told
      .when(conclude(REVIEW_ROUNDS_MAX, false))
      .thenHappens('VerdictGiven', 'FindingRaised', 'ReviewConcluded')
      .thenWaits(null);
    expect(last.events[2]).toMatchObject({
      data: {
        outcome: 'escalated',
        escalation: { failure_class: 'policy', reason: expect.stringContaining('10 review rounds') },
      },
    });
  });
  it('asks a person when it cannot be done', () => {
    const { events } = reviewing().when(failed('review-1')).thenHappens('FindingRaised', 'ReviewConcluded').thenWaits(null);
    expect(events).toMatchObject([
      { data: { finding: { evidence: 'no artifact' } } },
      {
        data: {
          outcome: 'escalated',
          escalation: { failure_class: 'transient', reason: expect.stringContaining('no artifact') },
        },
      },
    ]);
  });
  it('is done again by another reviewer when its own is gone: nothing was touched', () =>
    void reviewing().when({ type: 'DeadlinePassed', key: 'review-1', last_holder: 'r' }).thenNothing().thenWaits('review-1'));
  it('is not changed by what is late, early or said twice', () => {
    reviewing().when(start(1)).thenNothing().when(conclude(2, true)).thenNothing().when(failed('review-2')).thenNothing();
    for (const late of [start(1), conclude(1, false), failed('review-1')])
      reviewing().when(conclude(1, true)).when(late).thenNothing();
    for (const late of [conclude(1, true), start(1), failed('review-1')])
      reviewing().when(conclude(1, false)).when(start(2)).when(late).thenNothing().thenWaits('review-2');
    for (const early of [conclude(1, true), failed('review-1')]) given().when(early).thenNothing();
  });
  it('keeps evidence readable, however long it is', () => {
    reviewing().when(failed('review-1', ENDLESS)).thenHappens('FindingRaised', 'ReviewConcluded');
    reviewing()
      .when({
        type: 'ConcludeReview',
        attempt: 1,
        verdicts: [{ criterion_id: 'tests', holds: false, evidence: ENDLESS }],
        findings: [],
      })
      .thenHappens('VerdictGiven', 'ReviewConcluded', 'ChangesRequested');
  });
});
