/**
 * The entry contract: what a request must say before any work starts. A file or body that does not fit is refused with
 * every fault at once, each naming its field and the fix.
 */
import { z } from 'zod';
import { pathPatternSchema } from './path-pattern.ts';

export const LIMITS = {
  title_chars_max: 200,
  text_chars_max: 8_000,
  criteria_max: 50,
  paths_max: 200,
  tasks_max: 200,
  attempts_max: 10,
  run_ms_max: 24 * 3_600_000,
  mission_ms_max: 30 * 24 * 3_600_000,
} as const;

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'use lower-case letters, digits and dashes, at most 63');
const line = z.string().trim().min(1).max(LIMITS.title_chars_max);
const text = z.string().trim().min(1).max(LIMITS.text_chars_max);
/** A check that Baton runs itself: exit code 0 means that the criterion holds. */
export const checkSchema = z.strictObject({
  run: z.array(z.string().min(1).max(2_000)).min(1).max(50),
  /** Directory inside the repository to run it in. */
  in: z.string().min(1).max(300).optional(),
  timeout_ms: z.number().int().min(100).max(3_600_000).default(300_000),
});
export type Check = z.infer<typeof checkSchema>;

export const criterionSchema = z.strictObject({
  id: name,
  statement: line,
  /** Absent: the criterion holds when the output of the task is not empty. */
  check: checkSchema.optional(),
});
export type Criterion = z.infer<typeof criterionSchema>;

/** What names the credentials of our own servers and of our telemetry: of no use to an agent but to act as Baton. */
const OWN_VARIABLE = /^(?:BATON_.*|PG[A-Z]+|OTEL_EXPORTER_OTLP_(?:[A-Z]+_)?(?:HEADERS|CLIENT_KEY))$/i;
/** Whether a variable is the service's own: refused where a contract names it, and never handed on where one was recorded. */
export const isOwnVariable = (name: string): boolean => OWN_VARIABLE.test(name);

export const agentSchema = z.discriminatedUnion('runtime', [
  z.strictObject({
    runtime: z.literal('command'),
    /** Program and arguments; gets the task envelope as JSON on standard input, answers a result as JSON on standard output. */
    command: z.array(z.string().min(1).max(2_000)).min(1).max(50),
    /** Names of environment variables that the agent may see besides PATH, HOME, LANG and TMPDIR; never Baton's own. */
    environment: z
      .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/))
      .max(50)
      .default([]),
  }),
  z.strictObject({
    runtime: z.literal('scripted'),
    /** What the deterministic agent answers, as it stands. */
    output: z.string().max(LIMITS.text_chars_max),
  }),
]);
export type Agent = z.infer<typeof agentSchema>;

export const repositorySchema = z.strictObject({
  /** A local path or any URL that git can clone and push to. */
  url: z
    .string()
    .trim()
    .min(1)
    .max(1_000)
    .refine((url) => !url.startsWith('-') && !url.startsWith('ext::'), { message: 'use a path, or an https, ssh or file URL' }),
  target: z
    .string()
    .regex(/^(?!-)(?!.*\.\.)[A-Za-z0-9._/-]{1,200}$/, 'use the name of a branch')
    .default('main'),
});
export type Repository = z.infer<typeof repositorySchema>;

export const RISKS = ['low', 'medium', 'high'] as const;

export const missionContractSchema = z.strictObject({
  baton: z.literal('mission/v1'),
  title: line,
  objective: text,
  /** Absent: the mission delivers documents (the outputs of its tasks), not a change to a repository. */
  repository: repositorySchema.optional(),
  scope: z.strictObject({
    include: z.array(pathPatternSchema).min(1).max(LIMITS.paths_max),
    exclude: z.array(pathPatternSchema).max(LIMITS.paths_max).default([]),
  }),
  non_goals: z.array(line).min(1).max(LIMITS.criteria_max),
  criteria: z.array(criterionSchema).min(1).max(LIMITS.criteria_max),
  rollback: text,
  risk: z.enum(RISKS),
  budgets: z
    .strictObject({
      attempts_max: z.number().int().min(1).max(LIMITS.attempts_max).default(3),
      run_ms_max: z.number().int().min(100).max(LIMITS.run_ms_max).default(900_000),
      mission_ms_max: z
        .number()
        .int()
        .min(1_000)
        .max(LIMITS.mission_ms_max)
        .default(7 * 24 * 3_600_000),
    })
    .prefault({}),
  template: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}@\d+$/, 'name a template and its version, such as single-task@1')
    .default('single-task@1'),
  parameters: z.record(name, z.union([line, z.array(line).max(LIMITS.tasks_max)])).default({}),
  agent: agentSchema,
});
export type MissionContract = z.infer<typeof missionContractSchema>;

/** One thing wrong with a request: which field, what is wrong, and what would be right. */
export const faultSchema = z.object({ field: z.string().max(500), problem: z.string().max(1_000), fix: z.string().max(1_000) });
export type Fault = z.infer<typeof faultSchema>;
