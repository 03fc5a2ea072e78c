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
/** What hangs on a parameter that is faulty itself: there is nothing to say of it before that is mended. */
class Unjudged extends Error {}

/** By name; null = declared, and faulty. */
type Given = Readonly<Record<string, string | readonly string[] | null>>;
type Values = Readonly<Record<string, string | null>>;

/** More would not help whoever reads it. */
const FAULTS_TOLD_MAX = 20;

/** Everything that does not fit is found before anything is said of it: whoever asked mends it in one go. */
function collecting() {
  const faults = new Set<string>();
  return {
    faults,
    /** What it makes; undefined where something is wrong with that. */
    attempt<T>(make: () => T): T | undefined {
      try {
        return make();
      } catch (error) {
        if (error instanceof PlanProblem || (error as Error).name === 'OrderProblem') faults.add((error as Error).message);
        else if (!(error instanceof Unjudged)) throw error;
        return undefined;
      }
    },
  };
}
type Collecting = ReturnType<typeof collecting>;

export function expand(template: Template, template_digest: string, contract: MissionContract): Expansion {
  const collected = collecting();
  const { faults, attempt } = collected;
  const given = givenTo(template, contract, collected);
  const lines = Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, string | null] => entry[1] === null || typeof entry[1] === 'string'),
  );
  const values: Values = { ...lines, title: contract.title, objective: contract.objective };
  const drafts = template.tasks.flatMap((task) =>
    (attempt(() => turnsOf(task, given)) ?? []).map((turn) => draft(task, { ...values, ...turn }, contract, collected)),
  );
  if (drafts.length > LIMITS.tasks_max)
    faults.add(`the template makes ${drafts.length} tasks, at most ${LIMITS.tasks_max} are allowed: give it shorter lists`);
  const whole = drafts.filter((made) => made !== undefined);
  // Of tasks that are not all there, no order can be told.
  const tasks =
    faults.size === 0
      ? attempt(() =>
          withoutCollisions(
            inOrder(
              whole,
              template.tasks.map(({ id }) => id),
            ),
          ),
        )
      : undefined;
  return tasks ? { tasks, template_digest } : { problem: `template ${template.name}@${template.version}: ${told([...faults])}` };
}

function told(faults: readonly string[]): string {
  const more = faults.length - FAULTS_TOLD_MAX;
  return [...faults.slice(0, FAULTS_TOLD_MAX), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

function givenTo(template: Template, contract: MissionContract, { attempt }: Collecting): Given {
  const valueOf = (name: string, { kind, default: otherwise }: Template['parameters'][string]): string | readonly string[] => {
    const value = Object.hasOwn(contract.parameters, name) ? contract.parameters[name] : otherwise;
    if (value === undefined) throw new PlanProblem(`parameters.${name} is missing: add it (a ${kind})`);
    if (Array.isArray(value) !== (kind === 'list')) throw new PlanProblem(`parameters.${name} has to be a ${kind}`);
    return value;
  };
  const given = Object.entries(template.parameters).map(
    ([name, declared]) => [name, attempt(() => valueOf(name, declared)) ?? null] as const,
  );
  attempt(() => {
    const unknown = Object.keys(contract.parameters).filter((name) => !Object.hasOwn(template.parameters, name));
    if (unknown.length > 0) throw new PlanProblem(`parameters ${unknown.join(', ')} are not used by it: remove them`);
  });
  return Object.fromEntries(given);
}

function turnsOf(task: Template['tasks'][number], given: Given): readonly Values[] {
  const [loop] = Object.entries(task.for_each ?? {});
  if (!loop) return [{}];
  const [name, list] = loop;
  const entries = Object.hasOwn(given, list) ? given[list] : undefined;
  if (entries === null) throw new Unjudged();
  if (!Array.isArray(entries)) throw new PlanProblem(`task ${task.id}: for_each names ${list}, which is not a list parameter`);
  return entries.map((entry: string) => ({ [name]: entry }));
}

/** Replaces `${name}`; text that came in through a value is not looked at again. */
const fill = (value: string, values: Values): string =>
  value.replaceAll(/\$\{([a-z][a-z0-9_-]*)\}/g, (_whole, name: string) => {
    const known = Object.hasOwn(values, name) ? values[name] : undefined;
    if (known === null) throw new Unjudged();
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

function draft(
  task: Template['tasks'][number],
  values: Values,
  contract: MissionContract,
  { attempt }: Collecting,
): Draft | undefined {
  const id = attempt(() => idOf(task.id, values));
  // A task whose id is not known is told of as the template writes it.
  const called = id ?? task.id;
  const title = attempt(() => fill(task.title, values).slice(0, LIMITS.title_chars_max));
  const instructions = attempt(() => fill(task.instructions, values));
  const acceptance = task.acceptance ? attempt(() => acceptanceOf(called, fillAll(task.acceptance, values))) : contract.criteria;
  const { include } = contract.scope;
  const writable = (task.write_set?.map((pattern) => () => fill(pattern, values)) ?? include.map((pattern) => () => pattern)).map(
    (pattern) => attempt(() => writableIn(include, called, pattern())),
  );
  const write_set = writable.filter((pattern) => pattern !== undefined);
  if (id === undefined || title === undefined || instructions === undefined || acceptance === undefined) return undefined;
  if (write_set.length < writable.length) return undefined;
  const planned: Task = {
    id,
    title,
    instructions,
    depends_on: [],
    write_set,
    write_set_exclude: contract.scope.exclude,
    acceptance,
    agent: contract.agent,
    attempts_max: contract.budgets.attempts_max,
    run_ms_max: contract.budgets.run_ms_max,
  };
  return { template_id: task.id, after: task.depends_on, task: planned };
}

function idOf(written: string, values: Values): string {
  const id = fill(written, values)
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-');
  if (taskSchema.shape.id.safeParse(id).success) return id;
  throw new PlanProblem(`task ${written} becomes "${id}": an id begins with a letter or digit and has at most 100 characters`);
}

function acceptanceOf(task: string, written: unknown): Task['acceptance'] {
  const acceptance = z.array(criterionSchema).safeParse(written);
  if (acceptance.success) return acceptance.data;
  throw new PlanProblem(`task ${task}: acceptance does not fit: ${z.prettifyError(acceptance.error)}`);
}

function writableIn(include: readonly string[], task: string, pattern: string): string {
  if (!pathPatternSchema.safeParse(pattern).success || !withinScope(pattern, include))
    throw new PlanProblem(
      `task ${task} may write ${pattern}, which is outside scope.include (${include.join(', ')}): widen the scope or narrow the template`,
    );
  const fault = patternFault(pattern);
  if (fault) throw new PlanProblem(`task ${task} may write ${pattern}, which ${fault.problem}: ${fault.fix}`);
  return pattern;
}

const withinScope = (pattern: string, include: readonly string[]): boolean =>
  // Only of `folder/**` it is certain that all below the folder lies within.
  include.some(
    (scope) =>
      scope === pattern || (scope === `${literalPrefix(scope)}**` && literalPrefix(pattern).startsWith(literalPrefix(scope))),
  );
