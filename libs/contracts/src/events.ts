/**
 * Every event that can happen, by stream category, with the shape of its data. Adding one: add it here, to its decider, and
 * (if anybody answers it) to `reactions.ts` and `CONSUMERS`; the generated pages follow.
 *
 * An event, once released, never changes its meaning: add a version and an upcaster, keep the old schema.
 */
import { z } from 'zod';
import { actorSchema } from './envelope.ts';
import { criterionSchema, faultSchema, missionContractSchema, repositorySchema, RISKS } from './mission.ts';
import {
  changeSchema,
  digestSchema,
  FAILURE_CLASSES,
  findingSchema,
  receiptSchema,
  sandboxModeSchema,
  taskSchema,
  treeSchema,
  workspaceBaseSchema,
} from './task.ts';

const missionId = z.string().min(1).max(100);
const reason = z.string().max(4_000);
const failureClass = z.enum(FAILURE_CLASSES);
const mission = { mission_id: missionId };
const task = { ...mission, task_id: z.string() };
const attempt = { ...task, attempt: z.number().int().min(1) };
const revision = { ...mission, revision: z.number().int().min(1) };

/** Which rule decided: name, version and content of the policy, and the digest of what it was asked. */
export const policyRefSchema = z.object({
  id: z.string(),
  version: z.string(),
  digest: digestSchema,
  rule: z.string(),
  input_digest: digestSchema,
});
export type PolicyRef = z.infer<typeof policyRefSchema>;
export const TIERS = ['autonomous', 'notify', 'gate'] as const;
export type Tier = (typeof TIERS)[number];

/** What the release needs to know of the mission, and no more. */
export const deliverySchema = z.object({
  title: z.string(),
  requested_by: z.string(),
  repository: repositorySchema.nullable(),
  criteria: z.array(criterionSchema),
  /** Absent from what was planned before it was handed on. */ non_goals: z.array(z.string()).optional(),
  rollback: z.string(),
  risk: z.enum(RISKS),
  contract_digest: digestSchema,
});
export type Delivery = z.infer<typeof deliverySchema>;

const acceptedTask = z.object({ task_id: z.string(), artifact: digestSchema, tree: treeSchema });
const gate = { ...revision, content_digest: digestSchema };

/** A decision, ready to be read by a tired person: what, why, what happens by default. */
export const cardSchema = z.object({
  title: z.string(),
  context: z.string(),
  options: z.array(z.enum(['approve', 'deny'])),
  recommendation: z.string(),
  risk: z.enum(RISKS),
  rollback: z.string(),
  /** The first of them; all are in the diff. */ files: z.array(z.string()),
  /** How many there are; absent from cards that were recorded before it was said. */
  files_total: z.number().int().min(0).optional(),
  insertions: z.number().int(),
  deletions: z.number().int(),
  checks: z.array(z.object({ criterion_id: z.string(), statement: z.string(), exit_code: z.number().int() })),
  diff_artifact: digestSchema,
  by_default: z.literal('deny'),
});
export type Card = z.infer<typeof cardSchema>;

const mission_events = {
  MissionAccepted: z.object({
    ...mission,
    contract: missionContractSchema,
    contract_digest: digestSchema,
    requested_by: z.string(),
    source: z.enum(['http', 'event']),
  }),
  MissionRejected: z.object({ ...mission, requested_by: z.string(), faults: z.array(faultSchema).min(1).max(100) }),
  MissionCancelRequested: z.object({ ...mission, by: z.string(), reason }),
  MissionCancelled: z.object({ ...mission, reason, /** False: not every part answered in time. */ confirmed: z.boolean() }),
  MissionCompleted: z.object({ ...mission, commit: z.string(), tree: treeSchema }),
  MissionFailed: z.object({ ...mission, stage: z.enum(['plan', 'release']), failure_class: failureClass, reason }),
};

const plan_events = {
  PlanningStarted: z.object({ ...mission, template: z.string(), requested_by: z.string() }),
  PlanProposed: z.object({
    ...mission,
    template_digest: digestSchema,
    tasks: z.array(taskSchema).min(1),
    delivery: deliverySchema,
    plan_ms_max: z.number().int(),
  }),
  TaskReady: z.object({ ...mission, task: taskSchema, base: workspaceBaseSchema }),
  TaskAccepted: z.object({ ...mission, ...acceptedTask.shape }),
  PlanCompleted: z.object({ ...mission, delivery: deliverySchema, accepted: z.array(acceptedTask).min(1) }),
  PlanFailed: z.object({
    ...mission,
    failure_class: failureClass,
    reason,
    /** Tasks that are under way and have to stop. */ stop: z.array(z.string()),
  }),
  PlanCancelRequested: z.object({ ...mission, reason, stop: z.array(z.string()).min(1) }),
  TaskStopped: z.object({ ...task }),
  PlanCancelled: z.object({ ...mission, reason }),
};

const task_events = {
  AttemptStarted: z.object({ ...attempt, task: taskSchema, base: workspaceBaseSchema, findings: z.array(findingSchema) }),
  AttemptSucceeded: z.object({
    ...attempt,
    task: taskSchema,
    base: workspaceBaseSchema,
    summary: z.string(),
    change: changeSchema,
    receipts: z.array(receiptSchema),
    /** What the agent was confined by. */ sandbox: sandboxModeSchema.optional(),
  }),
  AttemptFailed: z.object({
    ...attempt,
    failure_class: failureClass,
    cause: reason,
    output_tail: z.string(),
    /** What the agent was confined by, where one ran. */ sandbox: sandboxModeSchema.optional(),
    /** No agent was started, for what it needs was out of reach: it does not count as one of the attempts that may fail. */
    began: z.literal(false).optional(),
  }),
  AttemptLost: z.object({ ...attempt, holder: z.string(), cause: reason }),
  RetryScheduled: z.object({ ...attempt, /** From the moment of this event. */ after_ms: z.number().int().min(0) }),
  TaskBlocked: z.object({ ...task, failure_class: failureClass, reason }),
  TaskCancelled: z.object({ ...task, reason }),
};

const verdict = z.object({
  criterion_id: z.string(),
  holds: z.boolean(),
  /** Digest of the receipt's output, or of nothing where the check was on the diff. */ evidence: z.string(),
});
const review_events = {
  ReviewStarted: z.object({
    ...attempt,
    task: taskSchema,
    base: workspaceBaseSchema,
    change: changeSchema,
    receipts: z.array(receiptSchema),
    summary: z.string(),
  }),
  VerdictGiven: z.object({ ...attempt, verdicts: z.array(verdict).min(1) }),
  FindingRaised: z.object({ ...attempt, finding: findingSchema }),
  ReviewConcluded: z.object({
    ...attempt,
    outcome: z.enum(['accepted', 'changes-requested', 'escalated']),
    artifact: digestSchema,
    tree: treeSchema,
    /** Why it is escalated; reviews that were recorded by earlier releases do not say. */
    escalation: z.object({ failure_class: failureClass, reason }).optional(),
  }),
  /** What the executor is asked to mend; follows a ReviewConcluded with `changes-requested`. */
  ChangesRequested: z.object({ ...attempt, findings: z.array(findingSchema).min(1) }),
};

const gate_events = {
  GateOpened: z.object({
    ...gate,
    tier: z.literal('gate'),
    policy: policyRefSchema,
    card: cardSchema,
    requested_by: z.string(),
    self_approval: z.boolean(),
    expires_after_ms: z.number().int(),
  }),
  GatePassed: z.object({ ...gate, tier: z.enum(TIERS), policy: policyRefSchema, by: actorSchema }),
  ApprovalGranted: z.object({ ...gate, by: actorSchema, channel: z.string() }),
  ApprovalDenied: z.object({ ...gate, by: actorSchema, channel: z.string(), reason }),
  GateExpired: z.object({ ...gate }),
  GateSuperseded: z.object({ ...gate, reason }),
};

const releaseStep = z.enum(['integrate', 'land']);
const release_events = {
  IntegrationStarted: z.object({ ...revision, delivery: deliverySchema, accepted: z.array(acceptedTask).min(1) }),
  IntegrationTested: z.object({ ...revision, change: changeSchema, receipts: z.array(receiptSchema) }),
  ReleaseProposed: z.object({ ...gate, delivery: deliverySchema, change: changeSchema, checks: cardSchema.shape.checks }),
  ReleaseQueued: z.object({ ...gate }),
  /** What it needs was out of reach; tried again by itself. */
  ReleaseDelayed: z.object({
    ...revision,
    step: releaseStep,
    /** In a row, with this one. */ failures: z.number().int().min(1),
    /** For the failures before this one. */ waited_ms: z.number().int().min(0),
    /** From the moment of this event. */ after_ms: z.number().int().min(1),
    reason,
  }),
  ReleaseResumed: z.object({ ...revision, step: releaseStep, failures: z.number().int().min(1) }),
  TargetMoved: z.object({ ...revision, target_commit: z.string() }),
  ReleaseLanded: z.object({ ...gate, commit: z.string(), tree: treeSchema }),
  ReleaseVerified: z.object({ ...revision, commit: z.string(), tree: treeSchema }),
  ReleaseFailed: z.object({ ...revision, failure_class: failureClass, reason, receipts: z.array(receiptSchema) }),
  /** Asked for while it lands: it takes effect if the target moved, and none if it landed. */
  ReleaseCancelRequested: z.object({ ...revision, reason }),
  /** Revision 0: cancelled before there was anything to release. */
  ReleaseCancelled: z.object({ ...mission, revision: z.number().int().min(0), reason }),
};

/** Category → event type → schema of its data (version 1 of each). */
export const EVENTS = {
  mission: mission_events,
  plan: plan_events,
  task: task_events,
  review: review_events,
  gate: gate_events,
  release: release_events,
} as const;

type Of<T extends Record<string, z.ZodType>> = {
  [K in keyof T & string]: { readonly type: K; readonly data: z.infer<T[K]> };
}[keyof T & string];
export type MissionEvent = Of<typeof mission_events>;
export type PlanEvent = Of<typeof plan_events>;
export type TaskEvent = Of<typeof task_events>;
export type ReviewEvent = Of<typeof review_events>;
export type GateEvent = Of<typeof gate_events>;
export type ReleaseEvent = Of<typeof release_events>;
export type BatonEvent = MissionEvent | PlanEvent | TaskEvent | ReviewEvent | GateEvent | ReleaseEvent;
export type EventType = BatonEvent['type'];
export type Category = keyof typeof EVENTS;
export type DataOf<T extends EventType> = Extract<BatonEvent, { type: T }>['data'];

const catalogue = new Map<string, { category: Category; schema: z.ZodType; version: number }>();
for (const [category, events] of Object.entries(EVENTS)) {
  for (const [type, schema] of Object.entries(events))
    catalogue.set(type, { category: category as Category, schema, version: 1 });
}
/** Event type → its category, its schema and the newest version of it; undefined for a type nobody declared. */
export const describeEvent = (type: string): { category: Category; schema: z.ZodType; version: number } | undefined =>
  catalogue.get(type);
export const EVENT_TYPES = [...catalogue.keys()] as readonly EventType[];
