import type { Change, Criterion, Receipt, Task } from '@baton/contracts';
import { findingSchema } from '@baton/contracts';
import { describe, expect, it } from '@jest/globals';
import { digest, tree } from '@baton/testing';
import { judge, type Reviewed } from './verdicts.ts';

const criterion = (id: string): Criterion => ({ id, statement: `${id} pass`, check: { run: ['npm', id], timeout_ms: 1_000 } });
const task: Task = {
  id: 'a',
  title: 'A',
  instructions: 'do it',
  depends_on: [],
  write_set: ['services/api/**', 'docs/*.md'],
  write_set_exclude: ['services/api/secret/**'],
  acceptance: [criterion('tests')],
  agent: { runtime: 'command', command: ['agent'], environment: [] },
  attempts_max: 3,
  run_ms_max: 1_000,
};
const change = (files: readonly string[]): Change => ({
  artifact: digest('a'),
  base_commit: tree('0'),
  base_tree: tree('0'),
  tree: tree('1'),
  files: [...files],
  insertions: 1,
  deletions: 0,
});
const receipt = (changes: Partial<Receipt> = {}): Receipt => ({
  criterion_id: 'tests',
  command: ['npm', 'tests'],
  exit_code: 0,
  output_digest: digest('f'),
  output_tail: '',
  tree: tree('1'),
  started_at: '2026-11-21T00:00:00.000Z',
  duration_ms: 5,
  ...changes,
});
const FILES = ['services/api/health.ts'];
const reviewed = (changes: Partial<Reviewed> = {}): Reviewed => ({
  task,
  change: change(changes.paths ?? FILES),
  receipts: [receipt()],
  paths: FILES,
  ...changes,
});
const HOLDS = { criterion_id: 'tests', holds: true, evidence: digest('f') };
const FAILS = { ...HOLDS, holds: false };
const blocking = { severity: 'blocking' } as const;

describe('a criterion', () => {
  it('holds by a receipt for exactly this tree: nothing is found', () => {
    expect(judge(reviewed())).toEqual({ verdicts: [HOLDS], findings: [] });
  });
  it('that nobody checked does not hold', () => {
    expect(judge(reviewed({ receipts: [receipt({ criterion_id: 'lint' })] }))).toEqual({
      verdicts: [{ criterion_id: 'tests', holds: false, evidence: 'no receipt' }],
      findings: [
        {
          ...blocking,
          criterion_id: 'tests',
          statement: 'nobody checked "tests pass"',
          evidence: 'no receipt for criterion tests',
        },
      ],
    });
  });
  it('checked on another tree does not hold, whatever the check said', () => {
    expect(judge(reviewed({ receipts: [receipt({ tree: tree('2') })] }))).toEqual({
      verdicts: [FAILS],
      findings: [
        {
          ...blocking,
          criterion_id: 'tests',
          statement: 'the check of "tests pass" is stale',
          evidence: `receipt for tree ${tree('2')}, the change has tree ${tree('1')}`,
        },
      ],
    });
  });
  it('whose check failed does not hold; the command and the end of its output are the evidence', () => {
    const receipts = [receipt({ exit_code: 7, output_tail: 'expected 200, got 404' })];
    expect(judge(reviewed({ receipts }))).toEqual({
      verdicts: [FAILS],
      findings: [
        {
          ...blocking,
          criterion_id: 'tests',
          statement: '"tests pass" does not hold',
          evidence: 'npm tests: exit code 7\nexpected 200, got 404',
        },
      ],
    });
  });
  it('without a command is told by what was looked for', () => {
    const receipts = [receipt({ command: [], exit_code: 1, output_tail: 'the output is empty' })];
    expect(judge(reviewed({ receipts })).findings).toMatchObject([
      { evidence: 'the output is empty: exit code 1\nthe output is empty' },
    ]);
  });
  it('whose check has an endless command still shows how it ended, in a finding that fits its schema', () => {
    const receipts = [
      receipt({
        command: Array.from({ length: 50 }, () => 'x'.repeat(2_000)),
        exit_code: 9,
        output_tail: `${'y'.repeat(1_990)} the end`,
      }),
    ];
    const { findings } = judge(reviewed({ receipts }));
    expect(findings).toHaveLength(1);
    expect(findingSchema.safeParse(findings.at(0)).success).toBe(true);
    expect(findings.at(0)!.evidence).toMatch(/: exit code 9\ny+ the end$/);
  });
  it('is judged by its own receipt, each one in the order of the task', () => {
    const acceptance = ['lint', 'tests', 'types'].map(criterion);
    const receipts = [receipt(), receipt({ criterion_id: 'lint', exit_code: 1, output_digest: digest('e') })];
    const { verdicts, findings } = judge(reviewed({ task: { ...task, acceptance }, receipts }));
    expect(verdicts).toEqual([
      { criterion_id: 'lint', holds: false, evidence: digest('e') },
      HOLDS,
      { criterion_id: 'types', holds: false, evidence: 'no receipt' },
    ]);
    expect(findings.map(({ criterion_id }) => criterion_id)).toEqual(['lint', 'types']);
  });
});

describe('the diff', () => {
  it.each([
    ['outside the write-set', ['services/web/index.ts']],
    ['deeper than the write-set goes', ['docs/api/health.md']],
    ['excluded from the write-set', ['services/api/secret/key.pem']],
    ['beside the folder of the write-set', ['services/api-old/health.ts']],
  ])('may not touch a path %s', (_what, strays) => {
    const { verdicts, findings } = judge(reviewed({ paths: [...FILES, ...strays] }));
    expect(verdicts).toEqual([HOLDS]);
    expect(findings).toEqual([
      {
        ...blocking,
        criterion_id: null,
        statement: 'the diff touches paths outside the write-set',
        evidence: strays.join('\n'),
      },
    ]);
  });
  it('is judged by the patterns that the executor collected it by: an exclamation mark is a character', () => {
    const judged = (write_set: string[], write_set_exclude: string[]) =>
      judge(reviewed({ task: { ...task, write_set, write_set_exclude } })).findings.map(({ evidence }) => evidence);
    expect(judged(['**'], ['!docs/**'])).toEqual([]);
    expect(judged(['!docs/**'], [])).toEqual(FILES);
  });
  it.each(['services/api/.env', 'services/api/.github/ci.yml', 'docs/.notes.md'])(
    'may touch a hidden file of the write-set: %s',
    (path) => {
      expect(judge(reviewed({ paths: [path] })).findings).toEqual([]);
    },
  );
  it('names every stray path, in a finding that fits its schema', () => {
    const paths = Array.from({ length: 2_000 }, (_, index) => `elsewhere/${index}`);
    const { findings } = judge(reviewed({ paths }));
    expect(findings.at(0)!.evidence.startsWith('elsewhere/0\nelsewhere/1\n')).toBe(true);
    expect(findingSchema.safeParse(findings.at(0)).success).toBe(true);
  });
  it('may not touch a path that the handoff hides', () => {
    const paths = [...FILES, 'services/api/hidden.ts'];
    expect(judge(reviewed({ change: change(FILES), paths }))).toEqual({
      verdicts: [HOLDS],
      findings: [
        {
          ...blocking,
          criterion_id: null,
          statement: 'the diff touches paths that the handoff does not name',
          evidence: 'services/api/hidden.ts',
        },
      ],
    });
  });
  it('may touch less than the handoff names', () => {
    expect(judge(reviewed({ change: change([...FILES, 'services/api/other.ts']) })).findings).toEqual([]);
  });
});
