import { LIMITS, taskSchema, type MissionContract } from '@baton/contracts';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { join } from 'node:path';
import { contract, DIGEST, written, type Part } from '../test/template.fixture.ts';
import { expand, type Template } from './template.ts';
import { readTemplates } from './templates.ts';

const shipped = await readTemplates(join(import.meta.dirname, '../templates'));

const perPackage = (packages: readonly string[]): MissionContract =>
  contract({ template: 'per-package@1', parameters: { packages: [...packages], root: 'services', finish: 'Write the notes.' } });

const tasksOf = (template: Template, mission: MissionContract) => {
  const expansion = expand(template, DIGEST, mission);
  if ('problem' in expansion) throw new Error(expansion.problem);
  return expansion.tasks;
};

describe('single-task@1', () => {
  it('is the whole mission as one task', () => {
    const mission = contract();
    const { template, digest } = shipped.find('single-task@1')!;
    expect(expand(template, digest, mission)).toEqual({
      template_digest: digest,
      tasks: [
        {
          id: 'whole',
          title: 'Health endpoint',
          instructions: 'Answer GET /health.',
          depends_on: [],
          write_set: ['services/**'],
          write_set_exclude: ['services/secret/**'],
          acceptance: mission.criteria,
          agent: mission.agent,
          attempts_max: 2,
          run_ms_max: 60_000,
        },
      ],
    });
  });
});

describe('per-package@1', () => {
  const { template } = shipped.find('per-package@1')!;
  it('changes every package side by side, then finishes', () => {
    const tasks = tasksOf(template, perPackage(['api', 'web']));
    expect(tasks.map(({ id, depends_on, write_set }) => ({ id, depends_on, write_set }))).toEqual([
      { id: 'change-api', depends_on: [], write_set: ['services/api/**'] },
      { id: 'change-web', depends_on: [], write_set: ['services/web/**'] },
      { id: 'finish', depends_on: ['change-api', 'change-web'], write_set: ['services/**'] },
    ]);
    expect(tasks[0]).toMatchObject({
      title: 'Health endpoint: api',
      instructions: 'Answer GET /health.\n\nDo it in services/api only.',
      acceptance: [
        {
          id: 'api-tests',
          statement: 'The tests of api pass',
          check: { run: ['node', '--test'], in: 'services/api', timeout_ms: 300_000 },
        },
      ],
    });
    expect(tasks[2]).toMatchObject({ title: 'Health endpoint: finish', instructions: 'Write the notes.' });
  });
  it('makes tasks that fit their schema, the same ones every time', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9]{0,20}$/);
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 20 }), (packages) => {
        const tasks = tasksOf(template, perPackage(packages));
        expect(tasks).toHaveLength(packages.length + 1);
        for (const task of tasks) expect(taskSchema.safeParse(task).success).toBe(true);
        expect(tasksOf(template, perPackage(packages))).toEqual(tasks);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a template', () => {
  it('does not look again at text that came in through a value', () => {
    const mission = contract({
      title: 'About ${objective}',
      objective: 'Replace ${title} and ${nothing}',
      parameters: { finish: 'run ${title}' },
    });
    const template = written([{ id: 'a', title: '${title}', instructions: '${objective}; ${finish}' }], {
      finish: { kind: 'line' },
    });
    expect(tasksOf(template, mission)[0]).toMatchObject({
      title: 'About ${objective}',
      instructions: 'Replace ${title} and ${nothing}; run ${title}',
    });
  });
  it('takes the default of a parameter that the mission leaves out, and names with dashes', () => {
    const template = written([{ id: 'a', instructions: 'in ${build-dir}' }], {
      'build-dir': { kind: 'line', default: 'dist' },
    });
    expect(tasksOf(template, contract()).at(0)!.instructions).toBe('in dist');
    expect(tasksOf(template, contract({ parameters: { 'build-dir': 'out' } })).at(0)!.instructions).toBe('in out');
  });
  it('takes a scope written with wildcards only as it stands', () => {
    const mission = contract({ scope: { include: ['services/*/src/**', 'docs/**'] } });
    for (const pattern of ['services/*/src/**', 'docs/**', 'docs/a/*.md', 'docs/a.md'])
      expect(tasksOf(written([{ id: 'a', write_set: [pattern] }]), mission).at(0)!.write_set).toEqual([pattern]);
  });
  it('waits for a task that may write the same paths', () => {
    const template = written([
      { id: 'one', write_set: ['services/api/**'] },
      { id: 'two', write_set: ['services/web/**'] },
      { id: 'three', write_set: ['services/api/src/**'] },
    ]);
    expect(tasksOf(template, contract()).map(({ depends_on }) => depends_on)).toEqual([[], [], ['one']]);
  });
});

const list = { kind: 'list' };
const line = { kind: 'line' };
const each = { id: 'do-${entry}', for_each: { entry: 'entries' } };
const entries = Array.from({ length: LIMITS.tasks_max }, (_, index) => `e${index}`);
/** What is wrong, the template, what the mission says beyond the sample, what is told. */
const PROBLEMS: readonly (readonly [string, Template, Part, string])[] = [
  ['a missing parameter', written([{ id: 'a' }], { root: line }), {}, 'parameters.root is missing: add it (a line)'],
  [
    'a parameter it does not use',
    written([{ id: 'a' }]),
    { parameters: { root: 'x', constructor: 'y' } },
    'parameters root, constructor are not used by it: remove them',
  ],
  [
    'a line for a list',
    written([each], { entries: list }),
    { parameters: { entries: 'one' } },
    'parameters.entries has to be a list',
  ],
  [
    'a list for a line',
    written([{ id: 'a' }], { root: line }),
    { parameters: { root: ['x'] } },
    'parameters.root has to be a line',
  ],
  [
    'a name that stands for nothing',
    written([{ id: 'a', instructions: '${unknown-name}' }]),
    {},
    '"${unknown-name}" stands for nothing; known: title, objective',
  ],
  [
    'a name that every object has',
    written([{ id: 'a', instructions: '${constructor}' }]),
    {},
    '"${constructor}" stands for nothing',
  ],
  [
    'for_each over something else',
    written([each], { entries: line }),
    { parameters: { entries: 'x' } },
    'for_each names entries, which is not a list parameter',
  ],
  [
    'a write-set outside the scope',
    written([{ id: 'a', write_set: ['docs/**'] }]),
    {},
    'task a may write docs/**, which is outside scope.include (services/**)',
  ],
  ['a write-set that climbs out', written([{ id: 'a', write_set: ['services/../docs/**'] }]), {}, 'outside scope.include'],
  ['a write-set wider than its scope', written([{ id: 'a', write_set: ['serv*/**'] }]), {}, 'outside scope.include'],
  [
    'a write-set beside a scope with wildcards',
    written([{ id: 'a', write_set: ['services/api/test/**'] }]),
    { scope: { include: ['services/*/src/**'] } },
    'outside scope.include (services/*/src/**)',
  ],
  [
    'a write-set that can be read in two ways',
    written([{ id: 'a', write_set: ['services/{api,web}/**'] }]),
    {},
    'task a may write services/{api,web}/**, which has a "{"',
  ],
  [
    'two tasks with one id',
    written([each], { entries: list }),
    { parameters: { entries: ['a b', 'a-b'] } },
    'two tasks are called do-a-b',
  ],
  [
    'an id that is none',
    written([{ id: '@${title}' }]),
    {},
    'task @${title} becomes "-health-endpoint": an id begins with a letter or digit',
  ],
  [
    'a circle',
    written([
      { id: 'a', depends_on: ['b'] },
      { id: 'b', depends_on: ['a'] },
    ]),
    {},
    'tasks depend on each other in a circle: a, b',
  ],
  ['a dependency it does not have', written([{ id: 'a', depends_on: ['b'] }]), {}, 'task a depends on b, which it does not have'],
  [
    'too many tasks',
    written([{ id: 'first' }, each], { entries: list }),
    { parameters: { entries } },
    `the template makes ${LIMITS.tasks_max + 1} tasks, at most ${LIMITS.tasks_max} are allowed`,
  ],
  [
    'an empty list that another task waits for',
    written([each, { id: 'last', depends_on: ['do-${entry}'] }], { entries: list }),
    { parameters: { entries: [] } },
    'task last depends on do-${entry}, of which this mission has none: give the list that it goes through (see parameters) at least one entry',
  ],
  [
    'acceptance that is none',
    written([{ id: 'a', acceptance: [{ id: 'Not A Name', statement: 'x' }] }]),
    {},
    'task a: acceptance does not fit:',
  ],
];

describe('a problem', () => {
  it.each(PROBLEMS)('is told with the name of the template: %s', (_what, template, changes, problem) => {
    const expansion = expand(template, DIGEST, contract(changes));
    const told = 'problem' in expansion ? expansion.problem : 'it was planned';
    expect(told).toContain(problem);
    expect(told).toMatch(/^template cut@3: /);
  });
  it('makes no task of an empty list: the plan refuses that', () => {
    expect(tasksOf(written([each], { entries: list }), contract({ parameters: { entries: [] } }))).toEqual([]);
  });
});
