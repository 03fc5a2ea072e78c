// Commands that lead each decider through all its states. Nothing here says what they lead to: that is found by deciding them.
import {
  missionContractSchema,
  type Card,
  type Category,
  type Change,
  type Finding,
  type Receipt,
  type Task,
} from '@baton/contracts';
import type {
  Evaluation,
  GateCommand,
  GateState,
  MissionCommand,
  MissionState,
  PlanCommand,
  PlanState,
  ReleaseCommand,
  ReleaseState,
  ReviewCommand,
  ReviewState,
  TaskCommand,
  TaskState,
} from '@baton/domain';

const MISSION = 'mission-id';
const mission_id = MISSION;
const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
const tree = (digit: string): string => digit.repeat(40);
const reason = 'a reason';

const contract = missionContractSchema.parse({
  baton: 'mission/v1',
  title: 'A mission',
  objective: 'Something better than before',
  repository: { url: 'https://example.org/repository.git' },
  scope: { include: ['**'] },
  non_goals: ['Anything else'],
  criteria: [{ id: 'tests', statement: 'The tests pass', check: { run: ['npm', 'test'] } }],
  rollback: 'Revert the commit',
  risk: 'low',
  agent: { runtime: 'command', command: ['agent'] },
});
const repository = contract.repository ?? null;
const { title, rollback, risk, criteria, agent, budgets } = contract;
const delivery = { title, requested_by: 'somebody', repository, criteria, rollback, risk, contract_digest: digest('1') };
const contract_digest = digest('1');

const taskNamed = (id: string, depends_on: string[]): Task => ({
  id,
  title: 'A task',
  instructions: 'Do it',
  depends_on,
  write_set: ['**'],
  write_set_exclude: [],
  acceptance: criteria,
  agent,
  attempts_max: budgets.attempts_max,
  run_ms_max: budgets.run_ms_max,
});
// Two that run side by side and one behind them.
const tasks = [taskNamed('one', []), taskNamed('two', []), taskNamed('last', ['one', 'two'])];
const task = tasks[0] as Task;
const base = { repository, inputs: [] };

const change: Change = {
  artifact: digest('2'),
  base_commit: tree('a'),
  base_tree: tree('b'),
  tree: tree('c'),
  files: ['file'],
  insertions: 1,
  deletions: 0,
};
const receipt = (exit_code: number): Receipt => ({
  criterion_id: 'tests',
  command: ['npm', 'test'],
  exit_code,
  output_digest: digest('3'),
  output_tail: '',
  tree: change.tree,
  started_at: '2026-11-21T00:00:00.000Z',
  duration_ms: 1,
});
const finding: Finding = { criterion_id: 'tests', severity: 'blocking', statement: 'it does not hold', evidence: 'exit code 1' };
const accepted = [{ task_id: 'one', artifact: change.artifact, tree: change.tree }];

const transient = { failure_class: 'transient', cause: 'a cause' } as const;
const semantic = { failure_class: 'semantic', cause: 'a cause' } as const;
const passed = (key: string | undefined) => ({ type: 'DeadlinePassed', key: key ?? 'none', last_holder: 'a process' }) as const;

const missionCommands = (_state: MissionState, key: string | undefined): MissionCommand[] => [
  { type: 'AcceptMission', mission_id, contract, contract_digest, requested_by: 'somebody', source: 'http' },
  { type: 'AcceptMission', mission_id, contract, contract_digest: digest('9'), requested_by: 'somebody', source: 'http' },
  {
    type: 'RejectMission',
    mission_id,
    requested_by: 'somebody',
    faults: [{ field: 'title', problem: 'is missing', fix: 'add it' }],
  },
  { type: 'CancelMission', by: 'somebody', reason },
  { type: 'CompleteMission', commit: tree('d'), tree: change.tree },
  { type: 'FailMission', stage: 'plan', failure_class: 'semantic', reason },
  { type: 'ConfirmCancel', reason },
  passed(key),
];

const planCommands = (_state: PlanState, key: string | undefined): PlanCommand[] => [
  {
    type: 'PlanMission',
    mission_id,
    contract,
    contract_digest,
    requested_by: 'somebody',
    expansion: { tasks, template_digest: digest('4') },
  },
  {
    type: 'PlanMission',
    mission_id,
    contract,
    contract_digest,
    requested_by: 'somebody',
    expansion: { problem: 'no such template' },
  },
  ...tasks.flatMap(({ id }): PlanCommand[] => [
    { type: 'RecordReview', task_id: id, outcome: 'accepted', artifact: change.artifact, tree: change.tree },
    { type: 'RecordReview', task_id: id, outcome: 'changes-requested', artifact: change.artifact, tree: change.tree },
    { type: 'RecordReview', task_id: id, outcome: 'escalated', artifact: change.artifact, tree: change.tree },
    {
      type: 'RecordReview',
      task_id: id,
      outcome: 'escalated',
      artifact: change.artifact,
      tree: change.tree,
      escalation: { failure_class: 'semantic', reason },
    },
    { type: 'RecordTaskBlocked', task_id: id, failure_class: 'semantic', reason },
    { type: 'RecordTaskStopped', task_id: id },
  ]),
  { type: 'CancelPlan', mission_id, reason },
  passed(key),
];

const taskCommands = (state: TaskState, key: string | undefined): TaskCommand[] => {
  const attempt = 'attempt' in state ? state.attempt : 1;
  return [
    { type: 'StartTask', mission_id, task, base },
    { type: 'Rework', attempt, findings: [finding] },
    { type: 'RecordSuccess', attempt, summary: '', change, receipts: [receipt(0)] },
    { type: 'RecordFailure', attempt, ...transient, output_tail: '' },
    { type: 'RecordFailure', attempt, ...semantic, output_tail: '' },
    { type: 'RecordOutage', attempt, cause: 'a cause' },
    { type: 'WorkFailed', key: key ?? 'none', ...transient },
    { type: 'CancelTask', mission_id, task_id: task.id, reason },
    passed(key),
  ];
};

const reviewCommands = (state: ReviewState, key: string | undefined): ReviewCommand[] => {
  const attempt = state.status === 'reviewing' ? state.subject.attempt : 1;
  const verdict = (holds: boolean) => [{ criterion_id: 'tests', holds, evidence: digest('3') }];
  const subject = { mission_id, task_id: task.id, task, base, change, receipts: [receipt(0)], summary: '' };
  return [
    { type: 'StartReview', ...subject, attempt: state.status === 'concluded' ? state.attempt + 1 : 1 },
    { type: 'ConcludeReview', attempt, verdicts: verdict(true), findings: [] },
    { type: 'ConcludeReview', attempt, verdicts: verdict(false), findings: [finding] },
    { type: 'WorkFailed', key: key ?? 'none', ...transient },
    passed(key),
  ];
};

const card: Card = {
  title,
  context: 'a context',
  options: ['approve', 'deny'],
  recommendation: 'approve',
  risk,
  rollback,
  files: change.files,
  insertions: 1,
  deletions: 0,
  checks: [{ criterion_id: 'tests', statement: 'The tests pass', exit_code: 0 }],
  diff_artifact: change.artifact,
  by_default: 'deny',
};
const policy = { id: 'default', version: '1.0.0', digest: digest('5'), rule: 'a-rule', input_digest: digest('6') };
const content_digest = digest('7');

const gateCommands = (_state: GateState, key: string | undefined): GateCommand[] => {
  const opening = (evaluation: Evaluation | null): GateCommand => ({
    type: 'OpenGate',
    mission_id,
    revision: 1,
    content_digest,
    requested_by: 'somebody',
    card,
    target: { repository, files: change.files },
    evaluation,
  });
  const answer = (given: 'approve' | 'deny', id: string, shown: string): GateCommand => ({
    type: 'AnswerGate',
    answer: given,
    content_digest: shown,
    by: { kind: 'person', id },
    channel: 'cli',
    reason,
  });
  return [
    opening(null),
    opening({ tier: 'autonomous', self_approval: false, policy }),
    opening({ tier: 'gate', self_approval: false, policy }),
    answer('approve', 'somebody else', content_digest),
    answer('approve', 'somebody', content_digest),
    answer('approve', 'somebody else', digest('8')),
    answer('deny', 'somebody else', content_digest),
    { type: 'SupersedeGate', reason },
    passed(key),
  ];
};

const releaseCommands = (state: ReleaseState, key: string | undefined): ReleaseCommand[] => {
  const revision = 'revision' in state ? state.revision : state.status === 'delayed' ? state.of.revision : 1;
  const gate = { type: 'RecordGate', revision, reason } as const;
  return [
    { type: 'StartRelease', mission_id, delivery, accepted },
    { type: 'RecordIntegration', revision, change, receipts: [receipt(0)], content_digest },
    { type: 'RecordIntegration', revision, change, receipts: [receipt(1)], content_digest },
    { ...gate, content_digest, outcome: 'passed' },
    { ...gate, content_digest: digest('8'), outcome: 'passed' },
    { ...gate, content_digest, outcome: 'denied' },
    { ...gate, content_digest, outcome: 'expired' },
    { type: 'RecordTargetMoved', revision, target_commit: tree('e') },
    { type: 'RecordLanding', revision, commit: tree('d'), tree: change.tree },
    { type: 'RecordLanding', revision, commit: tree('d'), tree: tree('f') },
    { type: 'RecordNotLanded', revision },
    { type: 'CancelRelease', mission_id, reason },
    { type: 'WorkFailed', key: key ?? 'none', ...transient },
    { type: 'WorkFailed', key: key ?? 'none', ...semantic },
    passed(key),
  ];
};

export interface SampleCommand {
  readonly type: string;
}

/** Commands worth trying in this state; `key` is that of the wait the state is in. */
export type Commands = (state: unknown, key: string | undefined) => readonly SampleCommand[];

export const SAMPLE_COMMANDS = {
  mission: missionCommands as Commands,
  plan: planCommands as Commands,
  task: taskCommands as Commands,
  review: reviewCommands as Commands,
  gate: gateCommands as Commands,
  release: releaseCommands as Commands,
} as const satisfies Record<Category, Commands>;
