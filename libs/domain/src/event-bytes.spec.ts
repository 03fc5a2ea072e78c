import {
  CONTRACT_BYTES_MAX,
  EVENT_DATA_BYTES_MAX,
  FILES_BYTES_MAX,
  jsonBytes,
  LIMITS,
  missionContractSchema,
  TASK_BYTES_MAX,
  type BatonEvent,
  type Change,
  type Criterion,
  type Finding,
  type MissionContract,
  type Receipt,
  type Task,
} from '@baton/contracts';
import { describe, expect, it } from '@jest/globals';
import { change as sampleChange, digest, evaluation, MISSION, task as sampleTask, tree } from '@baton/testing';
import { gate, type GateCommand } from './gate.ts';
import { mission } from './mission.ts';
import { plan } from './plan.ts';
import { react } from './reactions.ts';
import { release } from './release.ts';
import { review } from './review.ts';
import { scenario } from './scenario.ts';
import { task } from './task.ts';

/** Six bytes in JSON, and nothing has more. */
const COSTLY = '\u0001';
const costly = (chars: number): string => `x${COSTLY.repeat(chars - 2)}x`;

/** As large as `bytes_max` lets it be: `make` with the most of what it is made longer by. */
function largest<T>(bytes_max: number, make: (n: number) => T): T {
  let n = 0;
  for (let step = 2 ** 17; step >= 1; step /= 2) if (jsonBytes(make(n + step)) <= bytes_max) n += step;
  return make(n);
}

/** All that a check can say, on as many criteria as there may be. */
const criteria = (statement_chars: number, argument_chars: number): Criterion[] =>
  Array.from({ length: LIMITS.criteria_max }, (_, n) => ({
    id: `criterion-${n}`.padEnd(63, 'x'),
    statement: costly(statement_chars),
    check: { run: ['npm', costly(argument_chars)], timeout_ms: 3_600_000 },
  }));
const contractOf = (objective_chars: number, statement_chars: number, argument_chars: number): MissionContract =>
  missionContractSchema.parse({
    baton: 'mission/v1',
    title: costly(20),
    objective: costly(objective_chars),
    repository: { url: `https://${costly(500)}` },
    scope: { include: ['**'] },
    non_goals: ['n'],
    criteria: criteria(statement_chars, argument_chars),
    rollback: costly(1_000),
    risk: 'low',
    agent: { runtime: 'command', command: ['agent'] },
  });
const contracts = {
  'long commands': largest(CONTRACT_BYTES_MAX, (n) => contractOf(10, 3, Math.min(2_000, 3 + Math.floor(n / 50)))),
  'long statements': largest(CONTRACT_BYTES_MAX, (n) => contractOf(10, 3 + Math.min(197, Math.floor(n / 50)), 3)),
};
const tasks: Readonly<Record<string, Task>> = {
  'long commands': largest(TASK_BYTES_MAX, (n) => ({ ...sampleTask('a'), acceptance: criteria(3, 3 + Math.floor(n / 50)) })),
  'long instructions': largest(TASK_BYTES_MAX, (n) => ({
    ...sampleTask('a'),
    acceptance: criteria(3, 3),
    instructions: costly(n + 2),
  })),
};
/** Few and long: a card shows the first fifty whole. */
const PATH_CHARS = 600;
const files = largest(FILES_BYTES_MAX, (n) =>
  Array.from({ length: Math.ceil(n / PATH_CHARS) }, () => COSTLY.repeat(n % PATH_CHARS || PATH_CHARS)),
);
const change: Change = { ...sampleChange('1'), files };
const receiptsOf = (acceptance: readonly Criterion[], exit_code: number): Receipt[] =>
  acceptance.map(({ id, check }) => ({
    criterion_id: id,
    command: check?.run ?? [],
    exit_code,
    output_digest: digest('1'),
    output_tail: COSTLY.repeat(2_000),
    tree: change.tree,
    started_at: '2026-11-21T00:00:00.000Z',
    duration_ms: 3_600_000,
    sandbox: 'process-group',
  }));
const base = {
  repository: { url: `https://${costly(990)}`, target: 'x'.repeat(200) },
  inputs: Array.from({ length: LIMITS.tasks_max - 1 }, () => digest('2')),
};
const expectFit = (events: readonly BatonEvent[]): void => {
  for (const { type, data } of events)
    expect([type, Math.max(jsonBytes(data), EVENT_DATA_BYTES_MAX)]).toEqual([type, EVENT_DATA_BYTES_MAX]);
};

describe.each(Object.entries(tasks))('the largest task that can be handed out (%s)', (_, large) => {
  const running = scenario(task).given().when({ type: 'StartTask', mission_id: MISSION, task: large, base });
  it.each([change, { ...change, files: ['one'] }])('hands on the largest change in events that can be kept', (made) => {
    const done = running.when({
      type: 'RecordSuccess',
      attempt: 1,
      summary: COSTLY.repeat(LIMITS.text_chars_max),
      change: made,
      receipts: receiptsOf(large.acceptance, 1),
      sandbox: 'process-group',
    });
    const [succeeded] = done.thenHappens('AttemptSucceeded').events;
    if (succeeded?.type !== 'AttemptSucceeded') throw new Error('it did not succeed');
    // What counts is all there.
    expect(succeeded.data.change).toEqual(made);
    expect(succeeded.data.receipts.map(({ command }) => command)).toEqual(large.acceptance.map(({ check }) => check?.run));
    const { task_id, sandbox: _sandbox, ...subject } = succeeded.data;
    const reviewing = scenario(review)
      .given()
      .when({ type: 'StartReview', task_id, ...subject });
    // As the reviewer has it: of each criterion what was run and printed, and paths that nobody told of or may write.
    const findings: Finding[] = [
      ...subject.receipts.map(({ criterion_id, command, output_tail }, nth): Finding => ({
        criterion_id,
        severity: 'blocking',
        statement: `"${large.acceptance.at(nth)?.statement ?? ''}" does not hold`,
        evidence: `${command.join(' ').slice(0, 1_000)}: exit code 1\n${output_tail}`.slice(0, 4_000),
      })),
      ...['outside', 'untold'].map((statement): Finding => ({
        criterion_id: null,
        severity: 'blocking',
        statement,
        evidence: COSTLY.repeat(4_000),
      })),
    ];
    const verdicts = large.acceptance.map(({ id }) => ({ criterion_id: id, holds: false, evidence: digest('1') }));
    const sent_back = reviewing.when({ type: 'ConcludeReview', attempt: 1, verdicts, findings });
    const again = done.when({ type: 'Rework', attempt: 1, findings }).thenHappens('AttemptStarted');
    expectFit([...running.events, ...done.events, ...reviewing.events, ...sent_back.events, ...again.events]);
  });
  it('says so where what is handed on does not fit after all, and is not done again', () => {
    const receipts = receiptsOf(criteria(3, 2_000), 0);
    const told = running
      .when({ type: 'RecordSuccess', attempt: 1, summary: '', change, receipts })
      .thenHappens('AttemptFailed', 'TaskBlocked');
    expect(told.events[0]).toMatchObject({ data: { failure_class: 'semantic', cause: expect.stringContaining('262144') } });
  });
});

describe.each(Object.entries(contracts))('the largest mission that is accepted (%s)', (_, contract) => {
  const accepted = scenario(mission)
    .given()
    .when({
      type: 'AcceptMission',
      mission_id: MISSION,
      contract,
      contract_digest: digest('1'),
      requested_by: 'ada',
      source: 'event',
    });
  const { title, rollback, risk, criteria: asked, repository = null } = contract;
  const delivery = { title, requested_by: 'ada', repository, criteria: asked, rollback, risk, contract_digest: digest('1') };
  it('is released by events that can be kept', () => {
    const done = Array.from({ length: LIMITS.tasks_max }, () => ({
      task_id: 'a'.repeat(100),
      artifact: digest('1'),
      tree: tree('1'),
    }));
    const started = scenario(release).given().when({ type: 'StartRelease', mission_id: MISSION, delivery, accepted: done });
    for (const exit_code of [0, 1]) {
      const receipts = receiptsOf(asked, exit_code);
      const tested = started.when({ type: 'RecordIntegration', revision: 1, change, receipts, content_digest: digest('2') });
      tested.thenHappens('IntegrationTested', exit_code === 0 ? 'ReleaseProposed' : 'ReleaseFailed');
      expectFit([...accepted.events, ...started.events, ...tested.events]);
      for (const { command } of tested.events.flatMap((event) => react('approval', event))) {
        if ((command as GateCommand).type !== 'OpenGate') continue;
        const opening = { ...(command as Extract<GateCommand, { type: 'OpenGate' }>), evaluation: evaluation('gate') };
        expectFit(scenario(gate).given().when(opening).thenHappens('GateOpened').events);
      }
    }
  });
});

describe('a plan', () => {
  const planned = (made: readonly Task[]) =>
    scenario(plan)
      .given()
      .when({
        type: 'PlanMission',
        mission_id: MISSION,
        contract: contracts['long commands'],
        contract_digest: digest('1'),
        requested_by: 'ada',
        expansion: { tasks: made, template_digest: digest('1') },
      });
  const many = (n: number, instructions: string): Task[] =>
    Array.from({ length: n }, (_, index) => ({ ...sampleTask(`t-${index}`), instructions }));

  it('that no event can hold fails, and says how much of what is too much', () => {
    const told = planned(many(50, 'x'.repeat(8_000))).thenHappens('PlanningStarted', 'PlanFailed');
    expect(told.events[1]).toMatchObject({
      data: {
        failure_class: 'semantic',
        reason: expect.stringMatching(/plan of 50 tasks has 4\d{5} bytes, at most 262144 .*objective/),
      },
    });
    expectFit(told.events);
  });
  it('with a task that would not fit beside its change fails', () => {
    const told = planned(many(1, 'x'.repeat(TASK_BYTES_MAX))).thenHappens('PlanningStarted', 'PlanFailed');
    expect(told.events[1]).toMatchObject({ data: { reason: expect.stringContaining(`at most ${TASK_BYTES_MAX}`) } });
  });
  it('of many small tasks is kept', () => {
    const told = planned(many(200, 'x'.repeat(200)));
    expect(told.events[1]).toMatchObject({ type: 'PlanProposed' });
    expectFit(told.events);
  });
});
