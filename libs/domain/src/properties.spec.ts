/** What holds for every decider whatever it is asked, in whatever order: told by no example, tried with thousands. */
import { FAILURE_CLASSES, parseData, type BatonEvent } from '@baton/contracts';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  base,
  change,
  contract,
  delivery,
  digest,
  ENDLESS,
  evaluation,
  finding,
  MISSION,
  openGate,
  person,
  receipt,
  task as sampleTask,
  tree,
} from '@baton/testing';
import type { Decider } from './decider.ts';
import { gate, type GateCommand } from './gate.ts';
import { mission, type MissionCommand } from './mission.ts';
import { plan, type PlanCommand } from './plan.ts';
import { release, type ReleaseCommand } from './release.ts';
import { review, type ReviewCommand } from './review.ts';
import { task, type TaskCommand } from './task.ts';

const reason = fc.constantFrom('because', '', ENDLESS);
const failure_class = fc.constantFrom(...FAILURE_CLASSES);
const small = fc.integer({ min: 1, max: 3 });
const of = <C>(record: { readonly [K in keyof C]: fc.Arbitrary<C[K]> | C[K] }): fc.Arbitrary<C> =>
  fc.record(
    Object.fromEntries(
      Object.entries(record).map(([key, value]) => [key, value instanceof fc.Arbitrary ? value : fc.constant(value)]),
    ),
  ) as unknown as fc.Arbitrary<C>;
const passed = (keys: readonly string[]) =>
  of<{ type: 'DeadlinePassed'; key: string; last_holder: string | null }>({
    type: 'DeadlinePassed',
    key: fc.constantFrom(...keys),
    last_holder: fc.constantFrom(null, 'holder'),
  });
const workFailed = (keys: readonly string[]) =>
  of<Extract<TaskCommand, { type: 'WorkFailed' }>>({
    type: 'WorkFailed',
    key: fc.constantFrom(...keys),
    failure_class,
    cause: reason,
  });
const numbered = (...names: readonly string[]): string[] => names.flatMap((name) => [1, 2, 3].map((n) => `${name}-${n}`));

const missionCommand = fc.oneof(
  of<MissionCommand>({
    type: 'AcceptMission',
    mission_id: MISSION,
    contract,
    contract_digest: fc.constantFrom(digest('a'), digest('b')),
    requested_by: 'ada',
    source: 'http',
  }),
  of<MissionCommand>({
    type: 'RejectMission',
    mission_id: MISSION,
    requested_by: 'ada',
    faults: [{ field: ENDLESS, problem: 'p', fix: 'f' }],
  }),
  of<MissionCommand>({ type: 'CancelMission', by: 'ada', reason }),
  of<MissionCommand>({ type: 'CompleteMission', commit: tree('1'), tree: tree('1') }),
  of<MissionCommand>({ type: 'FailMission', stage: 'plan', failure_class, reason }),
  of<MissionCommand>({ type: 'ConfirmCancel', reason }),
  passed(['mission', 'cancelling']),
);
const task_id = fc.constantFrom('a', 'b', 'c');
const planCommand = fc.oneof(
  of<PlanCommand>({
    type: 'PlanMission',
    mission_id: MISSION,
    contract,
    contract_digest: digest('c'),
    requested_by: 'ada',
    expansion: fc.constantFrom(
      null,
      { problem: ENDLESS },
      { tasks: [], template_digest: digest('1') },
      { tasks: [sampleTask('a'), sampleTask('b', ['a']), sampleTask('c')], template_digest: digest('1') },
    ),
  }),
  of<PlanCommand>({
    type: 'RecordReview',
    task_id,
    outcome: fc.constantFrom('accepted', 'accepted', 'changes-requested', 'escalated'),
    artifact: digest('1'),
    tree: tree('1'),
  }),
  of<PlanCommand>({ type: 'RecordTaskBlocked', task_id, failure_class, reason }),
  of<PlanCommand>({ type: 'RecordTaskStopped', task_id }),
  of<PlanCommand>({ type: 'CancelPlan', mission_id: MISSION, reason }),
  passed(['plan', 'planning', 'cancelling']),
);
const taskCommand = fc.oneof(
  of<TaskCommand>({ type: 'StartTask', mission_id: MISSION, task: sampleTask('a'), base }),
  of<TaskCommand>({ type: 'Rework', attempt: small, findings: [finding] }),
  of<TaskCommand>({ type: 'RecordSuccess', attempt: small, summary: '', change: change('1'), receipts: [receipt('1')] }),
  of<TaskCommand>({ type: 'RecordFailure', attempt: small, failure_class, cause: reason, output_tail: '' }),
  of<TaskCommand>({ type: 'RecordOutage', attempt: small, cause: reason }),
  of<TaskCommand>({ type: 'CancelTask', mission_id: MISSION, task_id: 'a', reason }),
  passed(numbered('attempt', 'retry')),
  workFailed(numbered('attempt')),
);
const reviewCommand = fc.oneof(
  small.map((attempt): ReviewCommand => ({
    type: 'StartReview',
    mission_id: MISSION,
    task_id: 'a',
    attempt,
    task: sampleTask('a'),
    base,
    change: change('1'),
    receipts: [],
    summary: '',
  })),
  of<ReviewCommand>({
    type: 'ConcludeReview',
    attempt: small,
    verdicts: fc.array(
      fc.record({ criterion_id: fc.constantFrom('tests', 'other'), holds: fc.boolean(), evidence: fc.constantFrom('', ENDLESS) }),
      { maxLength: 3 },
    ),
    findings: fc.array(
      fc.record({
        criterion_id: fc.constantFrom(null, 'tests'),
        severity: fc.constantFrom('blocking', 'advice'),
        statement: fc.constant('s'),
        evidence: fc.constantFrom('', 'e'),
      }),
      { maxLength: 3 },
    ),
  }),
  passed(numbered('review')),
  workFailed(numbered('review')),
);
const gateCommand = fc.oneof(
  fc
    .constantFrom(null, evaluation('autonomous'), evaluation('notify'), evaluation('gate'), evaluation('gate', true))
    .map((evaluated): GateCommand => openGate(evaluated)),
  of<GateCommand>({
    type: 'AnswerGate',
    answer: fc.constantFrom('approve', 'deny'),
    content_digest: fc.constantFrom(digest('a'), digest('b')),
    by: fc.constantFrom(person('ada'), person('grace')),
    channel: 'web',
    reason,
  }),
  of<GateCommand>({ type: 'SupersedeGate', reason }),
  passed(['gate']),
);
const content_digest = fc.constantFrom(digest('a'), digest('b'));
const releaseCommand = fc.oneof(
  of<ReleaseCommand>({
    type: 'StartRelease',
    mission_id: MISSION,
    delivery,
    accepted: [{ task_id: 'a', artifact: digest('1'), tree: tree('1') }],
  }),
  of<ReleaseCommand>({
    type: 'RecordIntegration',
    revision: small,
    change: change('1'),
    receipts: fc.constantFrom([receipt('1')], [receipt('1')], [receipt('1', 1)], []),
    content_digest,
  }),
  of<ReleaseCommand>({
    type: 'RecordGate',
    revision: small,
    content_digest,
    outcome: fc.constantFrom('passed', 'passed', 'denied', 'expired'),
    reason,
  }),
  of<ReleaseCommand>({ type: 'RecordTargetMoved', revision: small, target_commit: tree('8') }),
  of<ReleaseCommand>({ type: 'RecordLanding', revision: small, commit: tree('9'), tree: fc.constantFrom(tree('1'), tree('2')) }),
  of<ReleaseCommand>({ type: 'RecordNotLanded', revision: small }),
  of<ReleaseCommand>({ type: 'CancelRelease', mission_id: MISSION, reason }),
  passed(numbered('gate', 'land', 'integrate', 'delayed-1', 'delayed-2')),
  workFailed([...numbered('land', 'integrate'), 'land-1.1', 'integrate-1.1', 'integrate-2.1']),
);

interface Told<S> {
  readonly states: readonly S[];
  readonly events: readonly BatonEvent[];
}

/** Asks one thing after the other, as they come. */
function tell<S, C, E extends BatonEvent>(decider: Decider<S, C, E>, commands: readonly C[]): Told<S> {
  const states: S[] = [decider.initial];
  const events: E[] = [];
  for (const command of commands) {
    const decision = decider.decide(command, states.at(-1)!);
    if ('refused' in decision || decision.accepted.length === 0) continue;
    states.push(decision.accepted.reduce((state: S, event) => decider.evolve(state, event), states.at(-1)!));
    events.push(...decision.accepted);
  }
  return { states, events };
}

interface Subject {
  readonly decider: Decider<{ readonly status: string }, unknown, BatonEvent>;
  readonly command: fc.Arbitrary<unknown>;
  /** States that ask for nothing: ends, and what another stream waits for. */
  readonly quiet: readonly string[];
  /** The ways out of an end that are meant. */
  readonly exceptions: readonly string[];
}
const SUBJECTS: readonly (readonly [string, Subject])[] = (
  [
    // A rejected request may be mended; what landed is told although it was to be cancelled.
    [
      mission,
      missionCommand,
      ['new', 'rejected', 'cancelled', 'completed', 'failed'],
      ['rejected → rejected', 'rejected → active', 'cancelled → completed'],
    ],
    // The release of a complete plan can still be cancelled, and hears of it from the plan.
    [plan, planCommand, ['new', 'completed', 'failed', 'cancelled'], ['completed → cancelled']],
    // handed-over: the review's own stream waits.
    [task, taskCommand, ['new', 'handed-over', 'blocked', 'cancelled'], ['handed-over → running', 'handed-over → cancelled']],
    [review, reviewCommand, ['new', 'concluded'], ['concluded → reviewing']],
    [gate, gateCommand, ['new', 'passed', 'denied', 'expired', 'superseded'], []],
    [release, releaseCommand, ['new', 'verified', 'failed', 'cancelled'], []],
  ] as const
).map(([decider, command, quiet, exceptions]) => [
  decider.category,
  { decider, command, quiet, exceptions } as unknown as Subject,
]);

describe.each(SUBJECTS)('%s, whatever it is asked', (_category, { decider, command, quiet, exceptions }) => {
  const told = fc.array(command, { maxLength: 30 }).map((commands) => tell(decider, commands));
  const always = (holds: (outcome: Told<{ readonly status: string }>) => void): void =>
    fc.assert(fc.property(told, holds), { numRuns: 500 });

  it('gives events that can be read back, and is the same after reading them', () =>
    always(({ states, events }) => {
      const stored = events.map(({ type, data }) => parseData(type, 1, JSON.stringify(data)));
      expect(stored.reduce((state, event) => decider.evolve(state, event), decider.initial)).toEqual(states.at(-1));
    }));
  it('waits for exactly one thing in every state that is not an end, and for nothing in an end', () =>
    always(({ states }) => {
      const waits = states.map((state) => [state.status, decider.waitingOn(state)] as const);
      expect(waits.map(([status, waiting]) => [status, waiting === null])).toEqual(
        states.map(({ status }) => [status, quiet.includes(status)]),
      );
      const told = waits.flatMap(([, waiting]) => (waiting ? [waiting.key, waiting.owner, waiting.reason, waiting.next] : []));
      expect(told.filter((text) => text === '')).toEqual([]);
    }));
  it('never leaves an end, but for the ways that are meant', () =>
    always(({ states }) => {
      const left = states.slice(1).map((next, index) => [states.at(index)!.status, next.status] as const);
      const fromEnds = left.filter(([from]) => from !== 'new' && quiet.includes(from)).map((way) => way.join(' → '));
      expect(fromEnds.filter((way) => !exceptions.includes(way))).toEqual([]);
    }));
  it('does nothing when its own deadline is told twice', () =>
    always(({ states }) => {
      const overdue = { type: 'DeadlinePassed', key: decider.waitingOn(states.at(-1)!)?.key ?? 'none', last_holder: 'holder' };
      const { states: after } = tell({ ...decider, initial: states.at(-1)! }, [overdue, overdue]);
      expect(after.length).toBeLessThanOrEqual(2);
    }));
});

describe('a gate, whatever it is asked', () => {
  it('is decided at most once', () =>
    fc.assert(
      fc.property(fc.array(gateCommand, { maxLength: 40 }), (commands) => {
        const { events } = tell(gate, commands);
        expect(
          events.filter(({ type }) => ['GatePassed', 'ApprovalDenied', 'GateExpired', 'GateSuperseded'].includes(type)).length,
        ).toBeLessThanOrEqual(1);
        expect(events.filter((event) => event.type === 'ApprovalGranted' && event.data.content_digest !== digest('a'))).toEqual(
          [],
        );
      }),
    ));
});

describe('a release, whatever it is asked', () => {
  it('lands at most once, only what was tested, and only what a gate passed', () =>
    fc.assert(
      fc.property(fc.array(releaseCommand, { maxLength: 40 }), (commands) => {
        const { events } = tell(release, commands);
        const landed = events.filter((event) => event.type === 'ReleaseLanded');
        expect(landed.length).toBeLessThanOrEqual(1);
        for (const { data } of landed) {
          expect(events.some((event) => event.type === 'IntegrationTested' && event.data.change.tree === data.tree)).toBe(true);
          expect(
            events.some((event) => event.type === 'ReleaseProposed' && event.data.content_digest === data.content_digest),
          ).toBe(true);
        }
      }),
      { numRuns: 500 },
    ));
});
