import { EVENT_TYPES, type EventRecord, type EventType } from '@baton/contracts';
import type { FoldedHistogram } from '@baton/telemetry';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deliveryFold, FOLDED } from './fold.ts';

const EPOCH_MS = Date.UTC(2026, 10, 21);
type Told = readonly [at_s: number, type: EventType, data?: Readonly<Record<string, unknown>>];

/** With what the fold reads of an event; the rest of its data changes no number. */
const record = (mission_id: string, [at_s, type, data]: Told): EventRecord => {
  const event: unknown = {
    id: '00000000-0000-5000-8000-000000000000',
    stream: `mission-${mission_id}`,
    version: 1,
    position: 1,
    recorded_at: new Date(EPOCH_MS + at_s * 1_000).toISOString(),
    meta: { schema_version: 1, correlation_id: mission_id, causation_id: 'c', actor: { kind: 'service', id: 's' } },
    type,
    data: { mission_id, ...data },
  };
  return event as EventRecord;
};
const a = { task_id: 'a' };
const b = { task_id: 'b' };

/** A mission that is completed: a failed attempt, a round of changes, a gate that a person passes. */
const COMPLETED: readonly Told[] = [
  [0, 'MissionAccepted'],
  [2, 'PlanProposed'],
  [3, 'AttemptStarted', a],
  [13, 'AttemptFailed', { ...a, failure_class: 'transient' }],
  [20, 'AttemptStarted', a],
  [50, 'AttemptSucceeded', a],
  [51, 'ReviewStarted', a],
  [55, 'ReviewConcluded', { ...a, outcome: 'changes-requested' }],
  [56, 'AttemptStarted', a],
  [66, 'AttemptSucceeded', a],
  [67, 'ReviewStarted', a],
  [70, 'ReviewConcluded', { ...a, outcome: 'accepted' }],
  [72, 'IntegrationStarted'],
  [80, 'IntegrationTested'],
  [81, 'GateOpened', { tier: 'gate' }],
  [181, 'GatePassed', { tier: 'gate' }],
  [182, 'ReleaseQueued'],
  [190, 'ReleaseLanded'],
  [200, 'MissionCompleted'],
];
const CANCELLED: readonly Told[] = [
  [10, 'MissionAccepted'],
  [12, 'PlanProposed'],
  [13, 'AttemptStarted', b],
  [15, 'MissionCancelRequested'],
  [16, 'TaskCancelled', b],
  [17, 'MissionCancelled'],
];
const DENIED: readonly Told[] = [
  [100, 'MissionAccepted'],
  [101, 'PlanProposed'],
  [110, 'GateOpened', { tier: 'gate' }],
  [130, 'ApprovalDenied'],
  [140, 'MissionFailed', { failure_class: 'policy' }],
];
/** Under way: an attempt was lost and the task given up; the same task of another mission has nothing to do with it. */
const ACTIVE: readonly Told[] = [
  [100, 'MissionAccepted'],
  [103, 'PlanProposed'],
  [105, 'AttemptStarted', a],
  [135, 'AttemptLost', a],
  [136, 'TaskBlocked', a],
];
/** Passed by policy: nobody was waited for. */
const AUTONOMOUS: readonly Told[] = [
  [0, 'MissionAccepted'],
  [300, 'GatePassed', { tier: 'autonomous' }],
];
const MISSIONS = Object.entries({ COMPLETED, CANCELLED, DENIED, ACTIVE, AUTONOMOUS }).map(([mission_id, told]) =>
  told.map((one) => record(mission_id, one)),
);
const HISTORY = MISSIONS.flat().toSorted((one, other) => (one.recorded_at < other.recorded_at ? -1 : 1));

const folded = (events: readonly EventRecord[]) => {
  const fold = deliveryFold();
  for (const event of events) fold.apply(event);
  return numbers(fold.series());
};
/** Every series by its labels, but for counters of what did not happen; of a histogram what was observed how often. */
function numbers(series: ReturnType<ReturnType<typeof deliveryFold>['series']>): Record<string, unknown> {
  const plain = (value: number | FoldedHistogram): unknown =>
    typeof value === 'number' ? value : { sum: value.sum, count: value.counts.reduce((sum, count) => sum + count, 0) };
  return Object.fromEntries(
    Object.entries(series).flatMap(([key, list]) =>
      list
        .filter(({ value }) => key === 'missions' || value !== 0)
        .map(({ labels, value }) => [[key, ...Object.values(labels)].join(' '), plain(value)] as const),
    ),
  );
}
const told = (...events: readonly Told[]) => folded(events.map((one) => record('m', one)));

describe('the fold', () => {
  it('tells what happened in exact numbers', () => {
    expect(folded(HISTORY)).toEqual({
      'missions active': 2,
      'missions cancelling': 0,
      'missions completed': 1,
      'missions cancelled': 1,
      'missions failed': 1,
      'missions_ended completed none': 1,
      'missions_ended cancelled none': 1,
      'missions_ended failed policy': 1,
      'attempts succeeded none': 2,
      'attempts failed transient': 1,
      'attempts lost transient': 1,
      'gates gate passed': 1,
      'gates gate denied': 1,
      'gates autonomous passed': 1,
      mission_lead_time_seconds: { sum: 200, count: 1 },
      'step_seconds planning': { sum: 8, count: 4 },
      'step_seconds execution': { sum: 80, count: 4 },
      'step_seconds review': { sum: 7, count: 2 },
      'step_seconds integration': { sum: 8, count: 1 },
      'step_seconds approval': { sum: 120, count: 2 },
      'step_seconds landing': { sum: 8, count: 1 },
      review_rounds: { sum: 2, count: 1 },
      mission_recovery_seconds: { sum: 37, count: 1 },
    });
  });
  it('has what alerts count at 0 before it happens', () => {
    const { attempts, missions_ended } = deliveryFold().series();
    expect([...attempts, ...missions_ended].map(({ labels, value }) => [...Object.values(labels), value].join(' '))).toEqual([
      'lost transient 0',
      'completed none 0',
      'failed transient 0',
      'failed semantic 0',
      'failed policy 0',
    ]);
  });
  it('puts what it observes into the buckets of the catalogue', () => {
    const fold = deliveryFold();
    for (const event of HISTORY) fold.apply(event);
    const planning = fold.series().step_seconds.find(({ labels }) => labels.step === 'planning')!;
    // 1 s up to 1; 2, 2 and 3 s up to 5.
    expect(planning.value.counts.slice(0, 3)).toEqual([1, 3, 0]);
  });
  it('goes on from any prefix as if it had never been asked', () => {
    const whole = folded(HISTORY);
    for (let length = 0; length <= HISTORY.length; length++) {
      const fold = deliveryFold();
      for (const event of HISTORY.slice(0, length)) fold.apply(event);
      expect(numbers(fold.series())).toEqual(folded(HISTORY.slice(0, length)));
      for (const event of HISTORY.slice(length)) fold.apply(event);
      expect(numbers(fold.series())).toEqual(whole);
    }
  });
  it('tells the same however the events of different missions are interleaved', () => {
    const whole = folded(HISTORY);
    const order = MISSIONS.flatMap((events, mission) => events.map(() => mission));
    fc.assert(
      fc.property(fc.shuffledSubarray(order, { minLength: order.length }), (turns) => {
        const next = MISSIONS.map((events) => events.values());
        const interleaved = turns.map((mission) => next.at(mission)!.next().value!);
        expect(folded(interleaved)).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });
  it('is changed by no event that it does not name', () => {
    const fold = deliveryFold();
    for (const event of HISTORY) fold.apply(event);
    const others = EVENT_TYPES.filter((type) => !FOLDED.has(type));
    for (const type of others) fold.apply(record('ACTIVE', [400, type, a]));
    expect(others.length).toBeGreaterThan(5);
    expect(numbers(fold.series())).toEqual(folded(HISTORY));
  });
});

describe('what is measured', () => {
  it.each<readonly [string, EventType, string]>([
    ['expired', 'GateExpired', 'gates gate expired'],
    ['superseded', 'GateSuperseded', 'gates gate superseded'],
  ])('of a gate that %s is how long it was open', (_how, type, counter) => {
    expect(told([0, 'GateOpened', { tier: 'gate' }], [60, type])).toEqual({
      [counter]: 1,
      'step_seconds approval': { sum: 60, count: 1 },
    });
  });
  it('of a recovery counts from the first of several failures', () => {
    const failed = { ...a, failure_class: 'semantic' };
    const events = told([0, 'AttemptFailed', failed], [10, 'AttemptLost', a], [25, 'AttemptSucceeded', a]);
    expect(events['mission_recovery_seconds']).toEqual({ sum: 25, count: 1 });
  });
  it('of what is out of reach is what waits for it now, until it is tried again or given up', () => {
    const away: Told = [10, 'AttemptFailed', { ...a, failure_class: 'transient', began: false }];
    const lands: Told = [20, 'ReleaseDelayed', { step: 'land' }];
    expect(told(away)).toMatchObject({ 'delayed attempt': 1 });
    for (const ended of ['AttemptStarted', 'TaskBlocked', 'TaskCancelled'] as const)
      expect(told(away, [16, ended, a])).not.toHaveProperty(['delayed attempt']);
    expect(told(away, [15, 'AttemptStarted', a], away)).toMatchObject({ 'delayed attempt': 1 });
    for (const ended of ['ReleaseResumed', 'ReleaseLanded', 'ReleaseFailed', 'ReleaseCancelled'] as const)
      expect(told(lands, [26, ended])).not.toHaveProperty(['delayed land']);
    const integrates: Told = [20, 'ReleaseDelayed', { step: 'integrate' }];
    expect(told(integrates, [22, 'ReleaseResumed'], integrates)).toMatchObject({ 'delayed integrate': 1 });
  });
  it('of what waits for people is the gates that are open, and when the oldest of them was opened', () => {
    const opened = (mission_id: string, at_s: number, revision = 1) =>
      record(mission_id, [at_s, 'GateOpened', { tier: 'gate', revision }]);
    const closed = (mission_id: string, type: EventType, revision = 1) =>
      record(mission_id, [900, type, { tier: 'gate', revision }]);
    const waiting = (...events: readonly EventRecord[]) => {
      const { gates_open, oldest_gate_opened_seconds: oldest } = folded(events);
      return [gates_open ?? 0, oldest === undefined ? undefined : (oldest as number) - EPOCH_MS / 1_000];
    };
    const all = [opened('later', 300), opened('first', 100), opened('m', 200, 2)];
    expect(waiting()).toEqual([0, undefined]);
    expect(waiting(...all)).toEqual([3, 100]);
    for (const type of ['GatePassed', 'ApprovalDenied', 'GateExpired', 'GateSuperseded'] as const) {
      expect(waiting(...all, closed('first', type))).toEqual([2, 200]);
      // An earlier revision of the same mission is another gate.
      expect(waiting(...all, closed('m', type, 1))).toEqual([3, 100]);
    }
    expect(waiting(opened('m', 100), closed('m', 'GatePassed'))).toEqual([0, undefined]);
    // By policy: nobody is waited for.
    expect(waiting(closed('m', 'GatePassed'))).toEqual([0, undefined]);
  });
  it('of a landing counts from the last time it was queued', () => {
    const events = told([0, 'ReleaseQueued'], [10, 'IntegrationStarted'], [20, 'ReleaseQueued'], [23, 'ReleaseLanded']);
    expect(events['step_seconds landing']).toEqual({ sum: 3, count: 1 });
  });
  it('of a step whose beginning was never seen, or that ends twice, is nothing', () => {
    expect(told([5, 'PlanProposed'], [6, 'IntegrationTested'], [7, 'ReleaseLanded'])).toEqual({});
    expect(told([0, 'IntegrationStarted'], [4, 'IntegrationTested'], [9, 'IntegrationTested'])).toEqual({
      'step_seconds integration': { sum: 4, count: 1 },
    });
  });
  it('is never negative', () => {
    expect(told([10, 'IntegrationStarted'], [4, 'IntegrationTested'])).toEqual({
      'step_seconds integration': { sum: 0, count: 1 },
    });
  });
});
