/** One mission, spelled out: what specs are told with. */
import {
  missionContractSchema,
  type Actor,
  type Change,
  type Delivery,
  type Finding,
  type MissionContract,
  type PolicyRef,
  type Receipt,
  type Task,
  type WorkspaceBase,
} from '@baton/contracts';
import type { Evaluation, GateCommand } from '@baton/domain';

export const MISSION = 'm-1';
export const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
export const tree = (letter: string): string => letter.repeat(40);
/** Longer than any field of an event takes. */
export const ENDLESS = 'x'.repeat(20_000);

export const contract: MissionContract = missionContractSchema.parse({
  baton: 'mission/v1',
  title: 'Health endpoint',
  objective: 'Answer GET /health.',
  repository: { url: 'https://example.test/shop.git' },
  scope: { include: ['services/api/**'] },
  non_goals: ['no metrics'],
  criteria: [{ id: 'tests', statement: 'the tests pass', check: { run: ['npm', 'test'] } }],
  rollback: 'revert the commit',
  risk: 'medium',
  budgets: { attempts_max: 3 },
  agent: { runtime: 'command', command: ['agent'] },
});

export const task = (id: string, depends_on: readonly string[] = []): Task => ({
  id,
  title: `Task ${id}`,
  instructions: 'do it',
  depends_on: [...depends_on],
  write_set: ['services/api/**'],
  write_set_exclude: [],
  acceptance: contract.criteria,
  agent: contract.agent,
  attempts_max: 3,
  run_ms_max: 900_000,
});

export const base: WorkspaceBase = { repository: contract.repository ?? null, inputs: [] };
export const change = (letter: string, artifact: string = letter): Change => ({
  artifact: digest(artifact),
  base_commit: tree('0'),
  base_tree: tree('0'),
  tree: tree(letter),
  files: ['services/api/health.ts'],
  insertions: 10,
  deletions: 1,
});
export const receipt = (letter: string, exit_code = 0): Receipt => ({
  criterion_id: 'tests',
  command: ['npm', 'test'],
  exit_code,
  output_digest: digest('f'),
  output_tail: '',
  tree: tree(letter),
  started_at: '2026-11-21T00:00:00.000Z',
  duration_ms: 5,
});
export const finding: Finding = {
  criterion_id: 'tests',
  severity: 'blocking',
  statement: 'the tests fail',
  evidence: 'exit code 1',
};
export const delivery: Delivery = {
  title: contract.title,
  requested_by: 'ada',
  repository: contract.repository ?? null,
  criteria: contract.criteria,
  rollback: contract.rollback,
  risk: contract.risk,
  contract_digest: digest('c'),
};

export const policy: PolicyRef = {
  id: 'delivery',
  version: '1',
  digest: digest('d'),
  rule: 'medium-needs-a-person',
  input_digest: digest('e'),
};
export const evaluation = (tier: Evaluation['tier'], self_approval = false): Evaluation => ({ tier, self_approval, policy });
export const person = (id: string): Actor => ({ kind: 'person', id });

export const openGate = (asked: Evaluation | null): Extract<GateCommand, { type: 'OpenGate' }> => ({
  type: 'OpenGate',
  mission_id: MISSION,
  revision: 1,
  content_digest: digest('a'),
  requested_by: 'ada',
  card: {
    title: 'Health endpoint',
    context: 'one file',
    options: ['approve', 'deny'],
    recommendation: 'approve',
    risk: 'medium',
    rollback: 'revert',
    files: ['services/api/health.ts'],
    insertions: 10,
    deletions: 1,
    checks: [],
    diff_artifact: digest('a'),
    by_default: 'deny',
  },
  target: { repository: delivery.repository, files: ['services/api/health.ts'] },
  evaluation: asked,
});
