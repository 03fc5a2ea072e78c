import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { LIMITS, type Fault } from '@baton/contracts';
import { parse } from 'yaml';
import { contract, criterion, without, type Loose } from '../test/contract.fixture.ts';
import { readContract } from './contract.ts';

const TEN_FAULTS = new URL('../../../examples/faulty/ten-faults.yaml', import.meta.url);
const NESTING = 20_000;

const faultsOf = (body: unknown): readonly Fault[] => {
  const read = readContract(body);
  return 'faults' in read ? read.faults : [];
};
const long = (chars: number): string => 'x'.repeat(chars);
const scope = (change: Loose): Loose => contract({ scope: { include: ['src/**'], ...change } });
const LETTERS = Array.from('abcdefghijklmnopqrstu');
const criteria = (...each: Loose[]): Loose => contract({ criteria: each });
const document = (check: Loose): Loose =>
  without('repository', contract({ criteria: [criterion({ check })], agent: { runtime: 'scripted', output: 'Hello.' } }));
const budgets = (change: Loose): Loose => contract({ budgets: change });
const agent = (change: Loose): Loose => contract({ agent: { runtime: 'command', command: ['greet'], ...change } });

describe('a good contract', () => {
  it('is read, with what it left out filled in', () => {
    const read = readContract(contract());
    expect(read).toMatchObject({
      contract: {
        title: 'Say hello',
        repository: { url: 'https://git.example.org/team/shop.git', target: 'main' },
        scope: { include: ['HELLO.md'], exclude: [] },
        budgets: { attempts_max: 3, run_ms_max: 900_000, mission_ms_max: 604_800_000 },
        template: 'single-task@1',
        parameters: {},
        agent: { environment: [] },
      },
    });
    expect('faults' in read).toBe(false);
  });

  it.each<[string, Loose]>([
    ['a local path as its repository', contract({ repository: { url: './repository', target: 'release/2.x' } })],
    ['a user in an ssh URL', contract({ repository: { url: 'ssh://git@git.example.org:2222/team/shop.git' } })],
    ['a user as ssh names it', contract({ repository: { url: 'git@git.example.org:team/shop.git' } })],
    ['a port and an @ in its path', contract({ repository: { url: 'https://git.example.org:8443/@team/shop.git' } })],
    ['a file URL', contract({ repository: { url: 'file:///srv/shop.git' } })],
    ['hidden paths that are not .git', scope({ include: ['.github/**', '.gitignore'], exclude: ['.gitlab-ci.yml'] })],
    ['variables of its own', agent({ environment: ['A_TOKEN', 'HOME'] })],
    ['other excludes than includes', scope({ exclude: ['src/generated/**'] })],
    ['one run that may take as long as the mission', budgets({ run_ms_max: 5_000, mission_ms_max: 5_000 })],
    ['two criteria', criteria(criterion(), criterion({ id: 'says-more' }))],
    ['parameters', contract({ parameters: { packages: ['a', 'b'], depth: 'two' } })],
    ['the longest title', contract({ title: long(LIMITS.title_chars_max) })],
  ])('may have %s', (_name, body) => {
    expect(faultsOf(body)).toEqual([]);
  });

  it('needs no check and no command where it has no repository', () => {
    const body = without('repository', criteria(without('check', criterion())));
    expect(faultsOf({ ...body, agent: { runtime: 'scripted', output: 'Hello.' } })).toEqual([]);
  });
});

describe('a rule that is broken is one fault that names its field and the fix', () => {
  const REQUIRED = ['baton', 'title', 'objective', 'scope', 'non_goals', 'criteria', 'rollback', 'risk', 'agent'];
  const MISSING = REQUIRED.map((field): [string, string, Loose] => [`${field} is missing`, field, without(field)]);

  it.each<[string, string, unknown]>([
    ...MISSING,
    ['criterion without an id', 'criteria[0].id', criteria(without('id', criterion()))],
    ['criterion without a statement', 'criteria[0].statement', criteria(without('statement', criterion()))],
    ['include is missing', 'scope.include', contract({ scope: {} })],
    ['repository without url', 'repository.url', contract({ repository: {} })],
    ['agent without a command', 'agent.command', contract({ agent: { runtime: 'command' } })],
    ['title that is no text', 'title', contract({ title: 7 })],
    ['non-goals that are no list', 'non_goals', contract({ non_goals: 'none' })],
    ['criteria of an empty list', 'criteria', criteria()],
    ['a fraction of an attempt', 'budgets.attempts_max', budgets({ attempts_max: 1.5 })],
    ['an unknown field', 'deadline', contract({ deadline: 'tomorrow' })],
    ['an unknown field further down', 'criteria[0].weight', criteria(criterion({ weight: 2 }))],
    ['another version', 'baton', contract({ baton: 'mission/v9' })],
    ['a risk nobody knows', 'risk', contract({ risk: 'enormous' })],
    ['a runtime nobody knows', 'agent.runtime', contract({ agent: { runtime: 'telepathy' } })],
    ['a title of blanks', 'title', contract({ title: '   ' })],
    ['a title that is too long', 'title', contract({ title: long(LIMITS.title_chars_max + 1) })],
    ['an objective that is too long', 'objective', contract({ objective: long(LIMITS.text_chars_max + 1) })],
    ['too many non-goals', 'non_goals', contract({ non_goals: Array.from({ length: 51 }, (_, at) => `not ${at}`) })],
    ['too many attempts', 'budgets.attempts_max', budgets({ attempts_max: 11 })],
    ['no attempt', 'budgets.attempts_max', budgets({ attempts_max: 0 })],
    [
      'a check that may take no time',
      'criteria[0].check.timeout_ms',
      criteria(criterion({ check: { run: ['a'], timeout_ms: 1 } })),
    ],
    ['a check that runs nothing', 'criteria[0].check.run', criteria(criterion({ check: { run: [] } }))],
    ['a criterion id that is a sentence', 'criteria[0].id', criteria(criterion({ id: 'Looks Good' }))],
    ['a path upwards', 'scope.include[0]', contract({ scope: { include: ['src/../../elsewhere/**'] } })],
    ['an absolute path', 'scope.include[0]', contract({ scope: { include: ['/etc/passwd'] } })],
    ['a pattern that other languages read otherwise', 'scope.include[0]', contract({ scope: { include: ['src/{a,b}/**'] } })],
    ['a pattern that excludes an exclude', 'scope.exclude[0]', scope({ exclude: ['!docs/**'] })],
    ['a path into .git further down', 'scope.include[0]', contract({ scope: { include: ['a/.GIT/hooks/**'] } })],
    ['a credential of ours', 'agent.environment[1]', agent({ environment: ['A_TOKEN', 'BATON_PG_URL'] })],
    ['a credential of our servers', 'agent.environment[0]', agent({ environment: ['PGPASSWORD'] })],
    ['an URL with a password', 'repository.url', contract({ repository: { url: 'https://bot:pw@git.example.org/x.git' } })],
    ['an URL with a password for ssh', 'repository.url', contract({ repository: { url: 'ssh://git:p%40w@example.org/x' } })],
    [
      'an URL with a token in the place of a name',
      'repository.url',
      contract({ repository: { url: 'https://ghp_a1@git.example.org/x' } }),
    ],
    ['an URL that is none', 'repository.url', contract({ repository: { url: 'https://bot:p/w@git.example.org/x.git' } })],
    ['a path into .git', 'scope.exclude[0]', scope({ exclude: ['.git/hooks/**'] })],
    ['an URL that runs a program', 'repository.url', contract({ repository: { url: 'ext::sh -c whoami' } })],
    ['an URL that is an option', 'repository.url', contract({ repository: { url: '--upload-pack=whoami' } })],
    ['a target that is no branch', 'repository.target', contract({ repository: { url: './r', target: 'a..b' } })],
    ['a template without a version', 'template', contract({ template: 'single-task' })],
    ['a parameter that is a number', 'parameters.depth', contract({ parameters: { depth: 2 } })],
    ['a parameter with an odd name', 'parameters.A b', contract({ parameters: { 'A b': 'c' } })],
    ['a variable that is no name', 'agent.environment[0]', agent({ environment: ['A=b'] })],
    ['a criterion id used twice', 'criteria[1].id', criteria(criterion(), criterion())],
    ['a criterion that nobody can measure', 'criteria[0].check', criteria(without('check', criterion()))],
    ['a check in a directory without a repository', 'criteria[0].check.in', document({ run: ['true'], in: 'docs' })],
    ['a check by a path without a repository', 'criteria[0].check.run[0]', document({ run: ['./check.sh'] })],
    ['a check outside the repository', 'criteria[0].check.in', criteria(criterion({ check: { run: ['true'], in: 'a/../..' } }))],
    ['a non-goal that is the objective', 'non_goals[0]', contract({ objective: 'Say it', non_goals: [' say IT '] })],
    ['a non-goal that is a criterion', 'non_goals[0]', contract({ non_goals: ['HELLO.md says hello'] })],
    ['an exclude that is an include', 'scope.exclude[0]', scope({ exclude: ['src/**'] })],
    ['a run longer than its mission', 'budgets.run_ms_max', budgets({ run_ms_max: 5_001, mission_ms_max: 5_000 })],
    ['a scripted agent with a repository', 'agent.runtime', contract({ agent: { runtime: 'scripted', output: 'Hello.' } })],
  ])('%s', (_name, field, body) => {
    const faults = faultsOf(body);
    const said = expect.stringMatching(/\S/);
    expect(faults).toEqual([{ field, problem: said, fix: said }]);
  });

  it('says that what is missing is missing, and what is of another type is not', () => {
    expect(faultsOf(without('title'))).toEqual([{ field: 'title', problem: 'is missing', fix: 'add it: a string' }]);
    expect(faultsOf(contract({ title: 7 }))).toEqual([{ field: 'title', problem: 'is not a string', fix: 'write a string' }]);
  });
});

it.each(['https://bot:hunter2hunter2@git.example.org/x.git', 'https://hunter2hunter2@git.example.org/x.git'])(
  'says nothing of a secret that it refuses: %s',
  (url) => {
    const faults = faultsOf(contract({ repository: { url } }));
    expect(faults).toHaveLength(1);
    expect(JSON.stringify(faults)).not.toContain('hunter2');
  },
);

it.each(['ssh://git@git.example.org/x.git', 'git@git.example.org:x.git', 'https://git.example.org/x@2.git'])(
  'takes a name where no secret can be: %s',
  (url) => expect(faultsOf(contract({ repository: { url } }))).toEqual([]),
);

describe('many faults', () => {
  it('are all named at once: the example has ten', () => {
    expect(faultsOf(parse(readFileSync(TEN_FAULTS, 'utf8'))).map(({ field }) => field)).toEqual([
      'title',
      'repository.url',
      'scope.include[0]',
      'non_goals',
      'criteria[0].id',
      'risk',
      'budgets.attempts_max',
      'agent.runtime',
      'deadline',
      'criteria[0].check',
    ]);
  });

  it('are told of a mission whose fields are each short enough, and together no event can carry beside a change', () => {
    const run = (chars: number): Loose => criteria(...LETTERS.map((id) => criterion({ id, check: { run: [long(chars)] } })));
    expect(faultsOf(run(2_000))).toEqual([]);
    expect(faultsOf({ ...run(2_000), objective: long(8_000), rollback: long(8_000) })).toEqual([
      {
        field: 'criteria',
        problem: expect.stringMatching(/^makes the mission too large: it has \d{5} of \d{5} bytes, and a mission at most 57344$/),
        fix: expect.stringContaining('shorten it'),
      },
    ]);
  });

  it('are not more than an event holds', () => {
    const unknown = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`field-${at}`, at]));
    expect(faultsOf(contract(unknown))).toHaveLength(100);
  });
});

describe('a hostile body', () => {
  const nested = (open: string, close: string): unknown => JSON.parse(open.repeat(NESTING) + close.repeat(NESTING));
  const deepList = nested('[', ']');
  const deepObject = JSON.parse(`${'{"a":'.repeat(NESTING)}1${'}'.repeat(NESTING)}`) as unknown;

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a list', []],
    ['a text', 'mission/v1'],
    ['a number', Number.NaN],
    ['a deep list', deepList],
    ['a deep object', deepObject],
    ['a deep title', contract({ title: deepList })],
    ['a deep parameter', contract({ parameters: { depth: deepList } })],
    ['deep criteria', contract({ criteria: deepObject })],
    ['a prototype', JSON.parse(JSON.stringify(contract()).replace('{', '{"__proto__":{"polluted":true},'))],
    ['lists of nulls', contract({ criteria: [null], non_goals: [null], scope: null, budgets: null, agent: null })],
    ['a lone surrogate as a field', contract({ '\ud800': 1 })],
    ['a NUL in an id', criteria(criterion({ id: 'a\0b' }))],
  ])('is told what is wrong with it: %s', (_name, body) => {
    expect(faultsOf(body).length).toBeGreaterThan(0);
    expect('polluted' in {}).toBe(false);
  });

  it.each(['\ud800', 'a\0b', '__proto__', 'constructor'])('may say %j where a text is free', (title) => {
    expect(faultsOf(contract({ title }))).toEqual([]);
  });
});
