import { describe, expect, it } from '@jest/globals';
import { MISSION, contract, digest, ENDLESS, task, tree } from '@baton/testing';
import { mission } from './mission.ts';
import { plan, type Expansion, type PlanCommand } from './plan.ts';
import { scenario } from './scenario.ts';

const planMission = (expansion: Expansion | null): PlanCommand => ({
  type: 'PlanMission',
  mission_id: MISSION,
  contract,
  contract_digest: digest('c'),
  requested_by: 'ada',
  expansion,
});
/** a and b side by side, c after both, d after c. */
const expansion: Expansion = {
  tasks: [task('a'), task('b'), task('c', ['a', 'b']), task('d', ['c'])],
  template_digest: digest('1'),
};
const review = (task_id: string, outcome: 'accepted' | 'changes-requested' | 'escalated' = 'accepted'): PlanCommand => ({
  type: 'RecordReview',
  task_id,
  outcome,
  artifact: digest(task_id),
  tree: tree('1'),
});
const blocked = (task_id: string): PlanCommand => ({
  type: 'RecordTaskBlocked',
  task_id,
  failure_class: 'transient',
  reason: 'three attempts failed',
});
const stopped = (task_id: string): PlanCommand => ({ type: 'RecordTaskStopped', task_id });
const cancel: PlanCommand = { type: 'CancelPlan', mission_id: MISSION, reason: 'not needed' };
const passed = (key: string): PlanCommand => ({ type: 'DeadlinePassed', key, last_holder: null });

const given = () => scenario(plan).given();
const active = () =>
  given().when(planMission(expansion)).thenHappens('PlanningStarted', 'PlanProposed', 'TaskReady', 'TaskReady');

describe('a plan', () => {
  it('hands tasks out when what they depend on is accepted, with its results, and is complete when all are', () => {
    const c = active()
      .thenWaits('plan')
      .when(review('a'))
      .thenHappens('TaskAccepted')
      .when(review('b'))
      .thenHappens('TaskAccepted', 'TaskReady');
    expect(c.events[1]).toMatchObject({ data: { task: { id: 'c' }, base: { inputs: [digest('a'), digest('b')] } } });
    const d = c.when(review('c')).thenHappens('TaskAccepted', 'TaskReady');
    expect(d.events[1]).toMatchObject({ data: { task: { id: 'd' }, base: { inputs: [digest('a'), digest('b'), digest('c')] } } });
    const end = d.when(review('d')).thenHappens('TaskAccepted', 'PlanCompleted').thenWaits(null);
    expect(end.events[1]).toMatchObject({
      data: { accepted: ['a', 'b', 'c', 'd'].map((task_id) => ({ task_id, artifact: digest(task_id), tree: tree('1') })) },
    });
  });
  it('hands each task out with what the mission is not about', () => {
    const [, , first, second] = active().events;
    for (const ready of [first, second])
      expect(ready).toMatchObject({ type: 'TaskReady', data: { task: { non_goals: contract.non_goals } } });
  });
  it('waits longer for tasks to stop than its mission waits for it: what no executor confirmed is not told as confirmed', () => {
    const stopping = plan.waitingOn(active().when(cancel).state);
    const asked = mission.waitingOn(
      scenario(mission)
        .given({
          type: 'MissionAccepted',
          data: { mission_id: MISSION, contract, contract_digest: digest('c'), requested_by: 'ada', source: 'http' },
        })
        .when({ type: 'CancelMission', by: 'ada', reason: 'not needed' }).state,
    );
    expect(stopping!.after_ms).toBeGreaterThan(asked!.after_ms);
  });
  it('hands a task out once, whatever is told twice or for tasks that were not handed out', () => {
    active()
      .when(planMission(expansion))
      .thenNothing()
      .when(review('a'))
      .when(review('a'))
      .thenNothing()
      .when(review('c'))
      .thenNothing()
      .when(review('nobody'))
      .thenNothing();
  });
  it('waits on while changes are requested', () =>
    void active().when(review('a', 'changes-requested')).thenNothing().thenWaits('plan'));
  it('fails with the problem of its template', () => {
    given()
      .when(planMission({ problem: 'template x@1 is not known' }))
      .thenHappens('PlanningStarted', 'PlanFailed')
      .thenWaits(null);
    given().when(planMission(null)).thenHappens('PlanningStarted', 'PlanFailed');
  });
  it('fails where the template makes no task at all', () =>
    void given()
      .when(planMission({ tasks: [], template_digest: digest('1') }))
      .thenHappens('PlanningStarted', 'PlanFailed'));
  it('fails with a blocked task and stops the others', () => {
    expect(active().when(blocked('a')).thenHappens('PlanFailed').events[0]).toMatchObject({
      data: { failure_class: 'transient', stop: ['b'] },
    });
    active()
      .when(blocked('a'))
      .when(blocked('b'))
      .thenNothing()
      .when(review('b'))
      .thenNothing()
      .when(stopped('b'))
      .thenNothing()
      .when(cancel)
      .thenNothing();
  });
  it('fails with a review that comes to no end', () =>
    void active().when(review('a', 'escalated')).thenHappens('PlanFailed').thenWaits(null));
  it('fails by what the review failed by, and says it', () => {
    const escalation = { failure_class: 'semantic', reason: 'git is not installed' } as const;
    const { events } = active()
      .when({ ...review('a', 'escalated'), escalation } as PlanCommand)
      .thenHappens('PlanFailed');
    expect(events).toMatchObject([{ data: { failure_class: 'semantic', reason: 'task a: git is not installed' } }]);
    const earlier = active().when(review('a', 'escalated')).thenHappens('PlanFailed');
    expect(earlier.events).toMatchObject([
      { data: { failure_class: 'policy', reason: expect.stringContaining('task a: the review') } },
    ]);
  });
  it('is not failed by a late report about a task that was accepted', () =>
    void active().when(review('a')).when(blocked('a')).thenNothing());
  it('fails when its time is over', () => {
    expect(active().when(passed('plan')).thenHappens('PlanFailed').events[0]).toMatchObject({ data: { stop: ['a', 'b'] } });
    active().when(passed('cancelling')).thenNothing();
  });
  it('is cancelled when the last of its running tasks has stopped, in whatever way it did', () => {
    const cancelling = active()
      .when(cancel)
      .thenHappens({ type: 'PlanCancelRequested', data: { mission_id: MISSION, reason: 'not needed', stop: ['a', 'b'] } })
      .thenWaits('cancelling');
    for (const last of [stopped('b'), blocked('b'), review('b'), review('b', 'escalated')]) {
      cancelling
        .when(stopped('a'))
        .thenHappens('TaskStopped')
        .when(stopped('a'))
        .thenNothing()
        .when(last)
        .thenHappens('PlanCancelled')
        .thenWaits(null)
        .when(last)
        .thenNothing();
    }
    cancelling.when(review('a', 'changes-requested')).thenNothing().when(cancel).thenNothing();
  });
  it('is cancelled without the answer of a task that stays silent', () =>
    void active().when(cancel).when(passed('cancelling')).thenHappens('PlanCancelled').thenWaits(null));
  it('can be cancelled before it began, and then never begins', () =>
    void given().when(cancel).thenHappens('PlanCancelled').when(planMission(expansion)).thenNothing());
  it('can be cancelled after it is complete, because the release follows it', () => {
    const completed = given()
      .when(planMission({ ...expansion, tasks: [task('a')] }))
      .when(review('a'))
      .thenHappens('TaskAccepted', 'PlanCompleted');
    completed.when(cancel).thenHappens('PlanCancelled').when(cancel).thenNothing();
  });
  it('is not changed by what comes before it began', () => {
    for (const early of [review('a'), blocked('a'), stopped('a'), passed('plan')]) given().when(early).thenNothing();
  });
  it('keeps reasons readable, however long they are told', () => {
    active()
      .when({ ...blocked('a'), reason: ENDLESS } as PlanCommand)
      .thenHappens('PlanFailed');
    active()
      .when({ ...cancel, reason: ENDLESS })
      .thenHappens('PlanCancelRequested');
    given()
      .when(planMission({ problem: ENDLESS }))
      .thenHappens('PlanningStarted', 'PlanFailed');
  });
});
