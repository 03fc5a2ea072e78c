/** Puts tasks in an order in which each comes after what it depends on, and lets no two that may write the same paths run together. */
import type { Task } from '@baton/contracts';
import { literalPrefix } from './literal-prefix.ts';

export interface Draft {
  /** The id as the template writes it, before it was expanded. */
  readonly template_id: string;
  readonly after: readonly string[];
  readonly task: Task;
}

class OrderProblem extends Error {
  override readonly name = 'OrderProblem';
}

/** `template_ids`: all that the template has, also those that became no task. */
export function inOrder(drafts: readonly Draft[], template_ids: readonly string[] = []): readonly Task[] {
  const faults = [...Map.groupBy(drafts, ({ task }) => task.id)]
    .filter(([, called]) => called.length > 1)
    .map(([id]) => `two tasks are called ${id}: entries of its list have to differ`);
  const becomes = Map.groupBy(drafts, (draft) => draft.template_id);
  const open = drafts.map(({ task, after }) => {
    const depends_on = after.flatMap((name) => {
      const others = becomes.get(name);
      if (!others)
        faults.push(
          template_ids.includes(name)
            ? `task ${task.id} depends on ${name}, of which this mission has none: give the list that it goes through (see parameters) at least one entry`
            : `task ${task.id} depends on ${name}, which it does not have`,
        );
      return (others ?? []).map((other) => other.task.id);
    });
    return { ...task, depends_on };
  });
  if (faults.length > 0) throw new OrderProblem(faults.join('; '));
  const ordered: Task[] = [];
  const placed = new Set<string>();
  while (open.length > 0) {
    const index = open.findIndex((task) => task.depends_on.every((id) => placed.has(id)));
    if (index === -1) throw new OrderProblem(`tasks depend on each other in a circle: ${open.map((task) => task.id).join(', ')}`);
    const [next] = open.splice(index, 1);
    ordered.push(next!);
    placed.add(next!.id);
  }
  return ordered;
}

/** Two tasks that may write the same paths get a dependency, in the order of the plan: they start from each other's results. */
export function withoutCollisions(tasks: readonly Task[]): readonly Task[] {
  const behind = new Map<string, Set<string>>();
  return tasks.map((task, index) => {
    const before = new Set(task.depends_on.flatMap((id) => [id, ...behind.get(id)!]));
    const depends_on = [...task.depends_on];
    for (const other of tasks.slice(0, index).toReversed()) {
      if (before.has(other.id) || !mayCollide(task, other)) continue;
      depends_on.push(other.id);
      for (const id of [other.id, ...behind.get(other.id)!]) before.add(id);
    }
    behind.set(task.id, before);
    return { ...task, depends_on };
  });
}

/** True unless the literal beginnings of their patterns show that they cannot meet: rather one wait too many. */
const mayCollide = (a: Task, b: Task): boolean =>
  a.write_set.some((one) =>
    b.write_set.some(
      (other) => literalPrefix(one).startsWith(literalPrefix(other)) || literalPrefix(other).startsWith(literalPrefix(one)),
    ),
  );
