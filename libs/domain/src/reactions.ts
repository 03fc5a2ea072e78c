/**
 * The whole flow on one page: which event is answered by which command, to which stream. Each service answers with commands
 * to its own streams only; what a command leads to is decided in that stream's file.
 *
 *   MissionAccepted → plan → TaskReady → task → AttemptSucceeded → review → ReviewConcluded → plan → PlanCompleted
 *     → release → ReleaseProposed → gate → GatePassed → release → ReleaseVerified → mission
 */
import type { BatonEvent, DataOf, EventType, ServiceName } from '@baton/contracts';
import type { GateCommand } from './gate.ts';
import type { MissionCommand } from './mission.ts';
import type { PlanCommand } from './plan.ts';
import type { ReleaseCommand } from './release.ts';
import type { ReviewCommand } from './review.ts';
import type { TaskCommand } from './task.ts';

export interface Commanded<C = unknown> {
  readonly stream: string;
  readonly command: C;
}

const missionStream = (mission_id: string): string => `mission-${mission_id}`;
const planStream = (mission_id: string): string => `plan-${mission_id}`;
const taskStream = (mission_id: string, task_id: string): string => `task-${mission_id}.${task_id}`;
const reviewStream = (mission_id: string, task_id: string): string => `review-${mission_id}.${task_id}`;
const gateStream = (mission_id: string, revision: number): string => `gate-${mission_id}.${revision}`;
const releaseStream = (mission_id: string): string => `release-${mission_id}`;
export const STREAM_OF = {
  mission: missionStream,
  plan: planStream,
  task: taskStream,
  review: reviewStream,
  gate: gateStream,
  release: releaseStream,
} as const;

/** Named on a card, which is an event and stays small; it says how many there are, and its diff has them all. */
export const CARD_FILES_MAX = 50;

type Reactions<C> = { readonly [T in EventType]?: (data: DataOf<T>) => readonly Commanded<C>[] };
const one = <C>(stream: string, command: C): readonly Commanded<C>[] => [{ stream, command }];

const intake: Reactions<MissionCommand> = {
  PlanFailed: ({ mission_id, failure_class, reason }) =>
    one(missionStream(mission_id), { type: 'FailMission', stage: 'plan', failure_class, reason }),
  ReleaseVerified: ({ mission_id, commit, tree }) => one(missionStream(mission_id), { type: 'CompleteMission', commit, tree }),
  ReleaseFailed: ({ mission_id, failure_class, reason }) =>
    one(missionStream(mission_id), { type: 'FailMission', stage: 'release', failure_class, reason }),
  ReleaseCancelled: ({ mission_id, reason }) => one(missionStream(mission_id), { type: 'ConfirmCancel', reason }),
};

const planner: Reactions<PlanCommand> = {
  MissionAccepted: ({ mission_id, contract, contract_digest, requested_by }) =>
    one(planStream(mission_id), { type: 'PlanMission', mission_id, contract, contract_digest, requested_by, expansion: null }),
  MissionCancelRequested: ({ mission_id, reason }) => one(planStream(mission_id), { type: 'CancelPlan', mission_id, reason }),
  ReviewConcluded: ({ mission_id, task_id, outcome, artifact, tree, escalation }) =>
    one(planStream(mission_id), { type: 'RecordReview', task_id, outcome, artifact, tree, ...(escalation && { escalation }) }),
  TaskBlocked: ({ mission_id, task_id, failure_class, reason }) =>
    one(planStream(mission_id), { type: 'RecordTaskBlocked', task_id, failure_class, reason }),
  TaskCancelled: ({ mission_id, task_id }) => one(planStream(mission_id), { type: 'RecordTaskStopped', task_id }),
};

const stopTasks = (mission_id: string, stop: readonly string[], reason: string): readonly Commanded<TaskCommand>[] =>
  stop.map((task_id) => ({
    stream: taskStream(mission_id, task_id),
    command: { type: 'CancelTask', mission_id, task_id, reason },
  }));

const executor: Reactions<TaskCommand> = {
  TaskReady: ({ mission_id, task, base }) => one(taskStream(mission_id, task.id), { type: 'StartTask', mission_id, task, base }),
  ChangesRequested: ({ mission_id, task_id, attempt, findings }) =>
    one(taskStream(mission_id, task_id), { type: 'Rework', attempt, findings }),
  PlanFailed: ({ mission_id, stop, reason }) => stopTasks(mission_id, stop, reason),
  PlanCancelRequested: ({ mission_id, stop, reason }) => stopTasks(mission_id, stop, reason),
};

const reviewer: Reactions<ReviewCommand> = {
  AttemptSucceeded: (data) => one(reviewStream(data.mission_id, data.task_id), { type: 'StartReview', ...data }),
};

const approval: Reactions<GateCommand> = {
  ReleaseProposed: ({ mission_id, revision, content_digest, delivery, change, checks }) =>
    one(gateStream(mission_id, revision), {
      type: 'OpenGate',
      mission_id,
      revision,
      content_digest,
      requested_by: delivery.requested_by,
      card: {
        title: delivery.title,
        context: `${change.files.length} file(s) changed for "${delivery.title}", asked for by ${delivery.requested_by}; all ${checks.length} check(s) of the contract hold on the integrated tree ${change.tree}`,
        options: ['approve', 'deny'],
        recommendation: 'approve: every criterion holds on exactly the tree that would land',
        risk: delivery.risk,
        rollback: delivery.rollback,
        files: change.files.slice(0, CARD_FILES_MAX),
        files_total: change.files.length,
        insertions: change.insertions,
        deletions: change.deletions,
        checks,
        diff_artifact: change.artifact,
        by_default: 'deny',
      },
      target: { repository: delivery.repository, files: change.files },
      evaluation: null,
    }),
  ReleaseFailed: ({ mission_id, revision, reason }) => one(gateStream(mission_id, revision), { type: 'SupersedeGate', reason }),
  ReleaseCancelled: ({ mission_id, revision, reason }) =>
    revision === 0 ? [] : one(gateStream(mission_id, revision), { type: 'SupersedeGate', reason }),
};

const release: Reactions<ReleaseCommand> = {
  PlanCompleted: ({ mission_id, delivery, accepted }) =>
    one(releaseStream(mission_id), { type: 'StartRelease', mission_id, delivery, accepted }),
  PlanCancelled: ({ mission_id, reason }) => one(releaseStream(mission_id), { type: 'CancelRelease', mission_id, reason }),
  GatePassed: ({ mission_id, revision, content_digest }) =>
    one(releaseStream(mission_id), { type: 'RecordGate', revision, content_digest, outcome: 'passed', reason: '' }),
  ApprovalDenied: ({ mission_id, revision, content_digest, by, reason }) =>
    one(releaseStream(mission_id), {
      type: 'RecordGate',
      revision,
      content_digest,
      outcome: 'denied',
      reason: `denied by ${by.id}${reason === '' ? '' : `: ${reason}`}`,
    }),
  GateExpired: ({ mission_id, revision, content_digest }) =>
    one(releaseStream(mission_id), {
      type: 'RecordGate',
      revision,
      content_digest,
      outcome: 'expired',
      reason: 'nobody answered the decision card before it expired',
    }),
};

export const REACTIONS = {
  intake,
  planner,
  executor,
  reviewer,
  approval,
  release,
  metrics: {},
  relay: {},
} as const satisfies Record<ServiceName, Reactions<unknown>>;

/** The commands that this service answers an event with; none for an event that it does not answer. */
export function react(service: ServiceName, event: BatonEvent): readonly Commanded[] {
  const reactions = REACTIONS[service] as { readonly [type: string]: ((data: unknown) => readonly Commanded[]) | undefined };
  return reactions[event.type]?.(event.data) ?? [];
}
