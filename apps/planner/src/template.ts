/**
 * A mission template says how a kind of mission is cut into tasks. Expanding one is pure: the same template and the same
 * mission give the same tasks; what does not fit is said, with the field and the fix.
 */
import {
  criterionSchema,
  LIMITS,
  pathPatternSchema,
  patternFault,
  taskSchema,
  type MissionContract,
  type Task,
} from '@baton/contracts';
import type { Expansion } from '@baton/domain';
import { z } from 'zod';
import { literalPrefix } from './literal-prefix.ts';
import { inOrder, withoutCollisions, type Draft } from './task-order.ts';

const text = z.string().trim().min(1).max(LIMITS.text_chars_max);

export const templateSchema = z.strictObject({
  baton: z.literal('template/v1'),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
  version: z.number().int().min(1),
  owner: z.string().min(1).max(100),
  parameters: z
    .record(
      z.string(),
      z.strictObject({ kind: z.enum(['line', 'list']), default: z.union([z.string(), z.array(z.string())]).optional() }),
    )
    .default({}),
  tasks: z
    .array(
      z.strictObject({
        id: text,
        /** One task per entry of a list parameter: `{ package: packages }` makes `${package}` each entry in turn. */
        for_each: z.record(z.string(), z.string()).optional(),
        title: text,
        instructions: text,
        /** Ids of tasks as written in this template; one that is expanded stands for all that it becomes. */
        depends_on: z.array(text).default([]),
        /** Absent: the mission's scope. */
        write_set: z.array(text).min(1).optional(),
        /** Absent: the mission's criteria. */
        acceptance: z.array(z.unknown()).min(1).optional(),
      }),
    )
    .min(1)
    .max(LIMITS.tasks_max),
});
export type Template = z.infer<typeof templateSchema>;

/** Why a mission cannot be planned: said to whoever asked for it. */
class PlanProblem extends Error {}

type Values = Readonly<Record<string, string>>;

export function expand(template: Template, template_digest: string, contract: MissionContract): Expansion {
  try {
    const parameters = parametersOf(template, contract);
    const lines = Object.fromEntries(
      Object.entries(parameters).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
    const values: Values = { ...lines, title: contract.title, objective: contract.objective };
    const drafts = template.tasks.flatMap((task) =>
      turnsOf(task, parameters).map((turn) => draft(task, { ...values, ...turn }, contract)),
    );
    if (drafts.length > LIMITS.tasks_max)
      throw new PlanProblem(
        `the template makes ${drafts.length} tasks, at most ${LIMITS.tasks_max} are allowed: give it shorter lists`,
      );
    const tasks = withoutCollisions(
      inOrder(
        drafts,
        template.tasks.map(({ id }) => id),
      ),
    );
    return { tasks, template_digest };
  } catch (error) {
    if (error instanceof PlanProblem || (error as Error).name === 'OrderProblem')
      return { problem: `template ${template.name}@${template.version}: ${(error as Error).message}` };
    throw error;
  }
}

function parametersOf(template: Template, contract: MissionContract): Record<string, string | readonly string[]> {
  const parameters: Record<string, string | readonly string[]> = {};
  for (const [name, { kind, default: otherwise }] of Object.entries(template.parameters)) {
    const value = contract.parameters[name] ?? otherwise;
    if (value === undefined) throw new PlanProblem(`parameters.${name} is missing: add it (a ${kind})`);
    if (Array.isArray(value) !== (kind === 'list')) throw new PlanProblem(`parameters.${name} has to be a ${kind}`);
    parameters[name] = value;
  }
  const unknown = Object.keys(contract.parameters).filter((name) => !Object.hasOwn(template.parameters, name));
  if (unknown.length > 0) throw new PlanProblem(`parameters ${unknown.join(', ')} are not used by it: remove them`);
  return parameters;
}

function turnsOf(
  task: Template['tasks'][number],
  parameters: Readonly<Record<string, string | readonly string[]>>,
): readonly Values[] {
  const [loop] = Object.entries(task.for_each ?? {});
  if (!loop) return [{}];
  const [name, list] = loop;
  const entries = parameters[list];
  if (!Array.isArray(entries)) throw new PlanProblem(`task ${task.id}: for_each names ${list}, which is not a list parameter`);
  return entries.map((entry: string) => ({ [name]: entry }));
}

/** Replaces `${name}`; text that came in through a value is not looked at again. */
const fill = (value: string, values: Values): string =>
  value.replaceAll(/\$\{([a-z][a-z0-9_-]*)\}/g, (_whole, name: string) => {
    const known = Object.hasOwn(values, name) ? values[name] : undefined;
    if (known === undefined) throw new PlanProblem(`"\${${name}}" stands for nothing; known: ${Object.keys(values).join(', ')}`);
    return known;
  });

const fillAll = (value: unknown, values: Values): unknown => {
  if (typeof value === 'string') return fill(value, values);
  if (Array.isArray(value)) return value.map((item) => fillAll(item, values));
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, fillAll(member, values)]));
  return value;
};

function draft(task: Template['tasks'][number], values: Values, contract: MissionContract): Draft {
  const id = fill(task.id, values)
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-');
  if (!taskSchema.shape.id.safeParse(id).success)
    throw new PlanProblem(`task ${task.id} becomes "${id}": an id begins with a letter or digit and has at most 100 characters`);
  const acceptance = z.array(criterionSchema).safeParse(task.acceptance ? fillAll(task.acceptance, values) : contract.criteria);
  if (!acceptance.success) throw new PlanProblem(`task ${id}: acceptance does not fit: ${z.prettifyError(acceptance.error)}`);
  const write_set = task.write_set?.map((pattern) => fill(pattern, values)) ?? contract.scope.include;
  for (const pattern of write_set) {
    if (!pathPatternSchema.safeParse(pattern).success || !withinScope(pattern, contract.scope.include)) {
      throw new PlanProblem(
        `task ${id} may write ${pattern}, which is outside scope.include (${contract.scope.include.join(', ')}): widen the scope or narrow the template`,
      );
    }
    const fault = patternFault(pattern);
    if (fault) throw new PlanProblem(`task ${id} may write ${pattern}, which ${fault.problem}: ${fault.fix}`);
  }
  const planned: Task = {
    id,
    title: fill(task.title, values).slice(0, LIMITS.title_chars_max),
    instructions: fill(task.instructions, values),
    depends_on: [],
    write_set,
    write_set_exclude: contract.scope.exclude,
    acceptance: acceptance.data,
    agent: contract.agent,
    attempts_max: contract.budgets.attempts_max,
    run_ms_max: contract.budgets.run_ms_max,
  };
  return { template_id: task.id, after: task.depends_on, task: planned };
}

const withinScope = (pattern: string, include: readonly string[]): boolean =>
  // Only of `folder/**` it is certain that all below the folder lies within.
  include.some(
    (scope) =>
      scope === pattern || (scope === `${literalPrefix(scope)}**` && literalPrefix(pattern).startsWith(literalPrefix(scope))),
  );
