/** One task of a plan, what an agent is given for it, and what comes back. */
import { z } from 'zod';
import { agentSchema, criterionSchema, LIMITS, repositorySchema } from './mission.ts';
import { pathPatternSchema } from './path-pattern.ts';

export const digestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/);
/** Git's object id of a tree or commit, or `sha256:<hex>` of a scratch workspace's content. */
export const treeSchema = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64}|sha256:[0-9a-f]{64})$/);

export const taskSchema = z.object({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,99}$/),
  title: z.string(),
  instructions: z.string(),
  depends_on: z.array(z.string()),
  /** Only paths that match these may change. */
  write_set: z.array(pathPatternSchema).min(1),
  /** Paths that may not change although they match the write-set. */
  write_set_exclude: z.array(pathPatternSchema),
  acceptance: z.array(criterionSchema).min(1),
  /** What the mission is not about; given when the task is handed out, absent from those handed out before it was. */
  non_goals: z.array(z.string()).optional(),
  agent: agentSchema,
  attempts_max: z.number().int().min(1),
  run_ms_max: z.number().int().min(1),
});
export type Task = z.infer<typeof taskSchema>;

/** Where a workspace starts from: the target branch, and the accepted work of the tasks this one depends on. */
export const workspaceBaseSchema = z.object({
  repository: repositorySchema.nullable(),
  /** Artifacts to apply, in this order, before the agent starts. */
  inputs: z.array(digestSchema),
});
export type WorkspaceBase = z.infer<typeof workspaceBaseSchema>;

/** `process-group`: limits and a deadline, but everything on the machine could be read, and its network used. */
export const sandboxModeSchema = z.enum(['bubblewrap', 'process-group']);
export type SandboxMode = z.infer<typeof sandboxModeSchema>;

/** Minted by Baton when it ran a check itself; a claim without one is not evidence, one for another tree is stale. */
export const receiptSchema = z.object({
  criterion_id: z.string(),
  /** The command as it was run; empty for the check that the output is not empty. */
  command: z.array(z.string()),
  exit_code: z.number().int(),
  output_digest: digestSchema,
  /** The last lines of the output, for people; the whole is the artifact of `output_digest`. */
  output_tail: z.string().max(2_000),
  tree: treeSchema,
  started_at: z.string(),
  duration_ms: z.number().min(0),
  /** What kept the check from doing harm; absent where nothing was run. */
  sandbox: sandboxModeSchema.optional(),
});
export type Receipt = z.infer<typeof receiptSchema>;

export const findingSchema = z.object({
  criterion_id: z.string().nullable(),
  severity: z.enum(['blocking', 'advice']),
  statement: z.string().max(2_000),
  evidence: z.string().max(4_000),
});
export type Finding = z.infer<typeof findingSchema>;

/** What an agent is given, as JSON on standard input. */
export const taskEnvelopeSchema = z.object({
  baton: z.literal('task/v1'),
  mission_id: z.string(),
  task_id: z.string(),
  attempt: z.number().int().min(1),
  title: z.string(),
  instructions: z.string(),
  /** Only paths that match one of these may change, */
  write_set: z.array(z.string()),
  /** and of those none that matches one of these. */
  write_set_exclude: z.array(z.string()),
  acceptance: z.array(z.object({ id: z.string(), statement: z.string() })),
  non_goals: z.array(z.string()),
  /** Without a repository: what the tasks that this one depends on delivered, in the plan's order. Elsewhere it is in the files already. */
  inputs: z.array(z.string()),
  /** Findings of the review of the attempt before. */
  findings: z.array(findingSchema),
  deadline_ms: z.number().int().min(1),
});
export type TaskEnvelope = z.infer<typeof taskEnvelopeSchema>;

/** What an agent answers, as the last line of standard output that is JSON. A claim, not evidence. */
export const agentResultSchema = z.object({
  baton: z.literal('result/v1'),
  status: z.enum(['done', 'failed']),
  summary: z.string().max(LIMITS.text_chars_max),
  /** The deliverable itself, where the mission has no repository. */
  output: z.string().max(LIMITS.text_chars_max).optional(),
  /** For `failed`: what would help. transient = try again; semantic = the plan is wrong; policy = a person must decide. */
  failure_class: z.enum(['transient', 'semantic', 'policy']).optional(),
});
export type AgentResult = z.infer<typeof agentResultSchema>;

/** What a finished attempt hands on. */
export const changeSchema = z.object({
  /** Patch (or, without a repository, the output) by content. */
  artifact: digestSchema,
  base_commit: z.string(),
  base_tree: treeSchema,
  /** Tree of the workspace with the change in it; what the receipts were minted for. */
  tree: treeSchema,
  files: z.array(z.string()).max(5_000),
  insertions: z.number().int().min(0),
  deletions: z.number().int().min(0),
});
export type Change = z.infer<typeof changeSchema>;

export const FAILURE_CLASSES = ['transient', 'semantic', 'policy'] as const;
export type FailureClass = (typeof FAILURE_CLASSES)[number];
