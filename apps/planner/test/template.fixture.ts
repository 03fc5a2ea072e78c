// A mission to be planned, and templates as small as what is asked of them.
import { missionContractSchema, type MissionContract } from '@baton/contracts';
import { templateSchema, type Template } from '../src/template.ts';

export const DIGEST = `sha256:${'a'.repeat(64)}`;

export const contract = (changes: Readonly<Record<string, unknown>> = {}): MissionContract =>
  missionContractSchema.parse({
    baton: 'mission/v1',
    title: 'Health endpoint',
    objective: 'Answer GET /health.',
    repository: { url: 'https://example.test/shop.git' },
    scope: { include: ['services/**'], exclude: ['services/secret/**'] },
    non_goals: ['no metrics'],
    criteria: [{ id: 'tests', statement: 'the tests pass', check: { run: ['npm', 'test'] } }],
    rollback: 'revert the commit',
    risk: 'medium',
    budgets: { attempts_max: 2, run_ms_max: 60_000 },
    agent: { runtime: 'command', command: ['agent'] },
    ...changes,
  });

export type Part = Readonly<Record<string, unknown>>;
export const written = (tasks: readonly Part[], parameters: Part = {}): Template =>
  templateSchema.parse({
    baton: 'template/v1',
    name: 'cut',
    version: 3,
    owner: 'platform',
    parameters,
    tasks: tasks.map((task) => ({ title: 'T', instructions: 'I', ...task })),
  });
