import type { Task } from '@baton/contracts';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { inOrder, withoutCollisions, type Draft } from './task-order.ts';

const task = (id: string, write_set: readonly string[] = ['**'], depends_on: readonly string[] = []): Task => ({
  id,
  title: id,
  instructions: 'do it',
  depends_on: [...depends_on],
  write_set: [...write_set],
  write_set_exclude: [],
  acceptance: [{ id: 'holds', statement: 'it holds' }],
  agent: { runtime: 'scripted', output: 'x' },
  attempts_max: 1,
  run_ms_max: 1_000,
});
const draft = (id: string, after: readonly string[] = [], write_set: readonly string[] = ['**']): Draft => ({
  template_id: id,
  after,
  task: task(id, write_set),
});
const FOLDERS = ['a/**', 'a/b/**', 'b/**', 'c/x.md', '**'] as const;

/** Tasks that depend only on earlier ones, told in any order: no circle. */
const anyDrafts = fc
  .array(
    fc.record({
      after: fc.array(fc.nat(30), { maxLength: 3 }),
      write_set: fc.array(fc.constantFrom(...FOLDERS), { minLength: 1, maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .chain((specs) => {
    const drafts = specs.map(({ after, write_set }, index) =>
      draft(`t${index}`, index === 0 ? [] : after.map((other) => `t${other % index}`), write_set),
    );
    return fc.shuffledSubarray(drafts, { minLength: drafts.length });
  });

/** Every task that one waits for, directly or not. */
function behind(tasks: readonly Task[], id: string): ReadonlySet<string> {
  const needed = new Set(tasks.find((one) => one.id === id)!.depends_on);
  for (const name of needed) for (const next of tasks.find((one) => one.id === name)!.depends_on) needed.add(next);
  return needed;
}

describe('the order of tasks', () => {
  it('puts each after all that it depends on, and loses none', () => {
    fc.assert(
      fc.property(anyDrafts, (drafts) => {
        const ordered = inOrder(drafts);
        expect(ordered.map(({ id }) => id).toSorted()).toEqual(drafts.map((one) => one.task.id).toSorted());
        const position = new Map(ordered.map(({ id }, index) => [id, index]));
        for (const { task: one, after } of drafts)
          for (const other of after) expect(position.get(other)!).toBeLessThan(position.get(one.id)!);
      }),
    );
  });
  it('keeps the order of the template where nothing speaks against it', () => {
    expect(inOrder([draft('c'), draft('a'), draft('b', ['a'])]).map(({ id }) => id)).toEqual(['c', 'a', 'b']);
  });
  it('lets one that is expanded stand for all that it becomes', () => {
    const parts = ['x', 'y'].map((name) => ({ ...draft('part-${name}'), task: task(`part-${name}`) }));
    expect(inOrder([draft('last', ['part-${name}']), ...parts]).at(-1)).toMatchObject({
      id: 'last',
      depends_on: ['part-x', 'part-y'],
    });
  });
  it('refuses a task that depends on itself', () => {
    expect(() => inOrder([draft('a'), draft('b', ['b'])])).toThrow('in a circle: b');
  });
});

describe('tasks that may write the same paths', () => {
  it.each([
    ['the same folder', 'a/**', 'a/**'],
    ['a folder within the other', 'a/**', 'a/b/**'],
    ['a file within the other', 'a/b/x.md', 'a/**'],
    ['all', '**', 'a/x.md'],
    ['wildcards that may meet', 'a/*.md', 'a/x.*'],
  ])('run one after the other: %s', (_what, one, other) => {
    expect(withoutCollisions([task('one', [one]), task('other', [other])]).at(1)!.depends_on).toEqual(['one']);
  });
  it.each([
    ['a/**', 'b/**'],
    ['a/x.md', 'a/y.md'],
    ['ab/**', 'a/**'],
  ])('and those that may not run side by side: %s, %s', (one, other) => {
    expect(withoutCollisions([task('one', [one]), task('other', [other])]).at(1)!.depends_on).toEqual([]);
  });
  it('are not told to wait for what they wait for already', () => {
    const chain = withoutCollisions(['a', 'b', 'c'].map((id) => task(id)));
    expect(chain.map(({ depends_on }) => depends_on)).toEqual([[], ['a'], ['b']]);
  });
  it('never run together, whatever the plan; what was asked for stays', () => {
    const under = (pattern: string): string => pattern.replace('**', '');
    const meet = (a: Task, b: Task): boolean =>
      a.write_set.some((one) =>
        b.write_set.some((other) => under(one).startsWith(under(other)) || under(other).startsWith(under(one))),
      );
    fc.assert(
      fc.property(anyDrafts, (drafts) => {
        const ordered = inOrder(drafts);
        const tasks = withoutCollisions(ordered);
        for (const [index, one] of tasks.entries()) {
          expect(one.depends_on).toEqual(expect.arrayContaining(ordered.at(index)!.depends_on));
          const waits = behind(tasks, one.id);
          const earlier = tasks.slice(0, index);
          for (const other of earlier.filter((candidate) => meet(one, candidate))) expect([...waits]).toContain(other.id);
          for (const name of one.depends_on) expect(earlier.map(({ id }) => id)).toContain(name);
        }
      }),
    );
  });
});
