import { LIMITS } from '@baton/contracts';
import { describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { contract, DIGEST, written, type Part } from '../test/template.fixture.ts';
import { expand, type Template } from './template.ts';
import { readTemplates } from './templates.ts';

const shipped = await readTemplates(join(import.meta.dirname, '../templates'));
const list = { kind: 'list' };
const line = { kind: 'line' };
const each = { id: 'do-${entry}', for_each: { entry: 'entries' } };

describe('a fault', () => {
  it.each<readonly [string, Template, Part, readonly string[]]>([
    [
      'parameters',
      shipped.find('per-package@1')!.template,
      { parameters: { packages: 'api', root: ['services'], extra: 'x' } },
      [
        'parameters.packages has to be a list',
        'parameters.root has to be a line',
        'parameters.finish is missing: add it (a line)',
        'parameters extra are not used by it: remove them',
      ],
    ],
    [
      'parameters and tasks, and nothing that only follows from them',
      written(
        [each, { id: 'a', title: '${root}', write_set: ['docs/**', '${root}/**', 'serv*/**'], instructions: '${nothing}' }],
        { entries: list, root: line },
      ),
      {},
      [
        'parameters.entries is missing: add it (a list)',
        'parameters.root is missing: add it (a line)',
        '"${nothing}" stands for nothing; known: entries, root, title, objective',
        'task a may write docs/**, which is outside scope.include (services/**): widen the scope or narrow the template',
        'task a may write serv*/**, which is outside scope.include (services/**): widen the scope or narrow the template',
      ],
    ],
    [
      'the order of tasks',
      written([each, { id: 'a', depends_on: ['b', 'c'] }], { entries: list }),
      { parameters: { entries: ['a b', 'a-b'] } },
      [
        'two tasks are called do-a-b: entries of its list have to differ',
        'task a depends on b, which it does not have',
        'task a depends on c, which it does not have',
      ],
    ],
  ])('is told together with all others: %s', (_what, template, changes, problems) => {
    const { name, version } = template;
    expect(expand(template, DIGEST, contract(changes))).toEqual({
      problem: `template ${name}@${version}: ${problems.join('; ')}`,
    });
  });
  it('that each of many tasks has is not told more often than somebody reads', () => {
    const entries = Array.from({ length: LIMITS.tasks_max }, (_, index) => `e${index}`);
    const template = written([{ ...each, write_set: ['${entry}/**'] }], { entries: list });
    const expansion = expand(template, DIGEST, contract({ parameters: { entries } }));
    const told = 'problem' in expansion ? expansion.problem.split('; ') : [];
    expect(told).toHaveLength(21);
    expect(told.at(-1)).toBe(`and ${LIMITS.tasks_max - 20} more`);
  });
});
