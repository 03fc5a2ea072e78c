/** A plan hands its tasks out when what they depend on is accepted, and is complete when all are. Owner: planner. */
import {
  EVENT_DATA_BYTES_MAX,
  jsonBytes,
  TASK_BYTES_MAX,
  type Delivery,
  type FailureClass,
  type MissionContract,
  type PlanEvent,
  type Task,
} from '@baton/contracts';
import { STOP_MS_MAX } from './cancelling.ts';
import { accept, already, clipped, never, type DeadlinePassed, type Decider, type Decision, type Waiting } from './decider.ts';

const EMPTY_PLAN =
  'the template makes no task of this mission: give the list that it goes through (see parameters) at least one entry';

/** Of a review that an earlier release recorded. */
const UNEXPLAINED = { failure_class: 'policy', reason: 'the review did not come to an end; see its findings' } as const;

interface Accepted {
  readonly artifact: string;
  readonly tree: string;
}

interface Active {
  readonly status: 'active';
  readonly mission_id: string;
  readonly delivery: Delivery;
  readonly tasks: readonly Task[];
  /** Handed out, not accepted yet. */
  readonly running: ReadonlySet<string>;
  readonly accepted: ReadonlyMap<string, Accepted>;
  readonly plan_ms_max: number;
}

export type PlanState =
  | { readonly status: 'new' }
  | { readonly status: 'planning'; readonly mission_id: string }
  | Active
  | {
      readonly status: 'cancelling';
      readonly mission_id: string;
      readonly reason: string;
      readonly stopping: ReadonlySet<string>;
    }
  | { readonly status: 'completed' | 'failed' | 'cancelled'; readonly mission_id: string };

/** What a template made of a mission: tasks in an order in which each comes after those it depends on; or what is wrong. */
export type Expansion = { readonly tasks: readonly Task[]; readonly template_digest: string } | { readonly problem: string };

export type PlanCommand =
  | {
      readonly type: 'PlanMission';
      readonly mission_id: string;
      readonly contract: MissionContract;
      readonly contract_digest: string;
      readonly requested_by: string;
      /** Looked up by the planner right before deciding; null only until then. */
      readonly expansion: Expansion | null;
    }
  | {
      readonly type: 'RecordReview';
      readonly task_id: string;
      readonly outcome: 'accepted' | 'changes-requested' | 'escalated';
      readonly artifact: string;
      readonly tree: string;
      readonly escalation?: { readonly failure_class: FailureClass; readonly reason: string };
    }
  | {
      readonly type: 'RecordTaskBlocked';
      readonly task_id: string;
      readonly failure_class: FailureClass;
      readonly reason: string;
    }
  | { readonly type: 'RecordTaskStopped'; readonly task_id: string }
  | { readonly type: 'CancelPlan'; readonly mission_id: string; readonly reason: string }
  | DeadlinePassed;

function decide(command: PlanCommand, state: PlanState): Decision<PlanEvent> {
  switch (command.type) {
    case 'PlanMission':
      return state.status === 'new' ? planned(command) : already;
    case 'RecordReview':
      return decideReview(command, state);
    case 'RecordTaskBlocked':
      if (state.status === 'cancelling') return stopped(state, command.task_id);
      // A task that was accepted before is not failed by a late report.
      if (state.status !== 'active' || !state.running.has(command.task_id)) return already;
      return failed(state, command.failure_class, `task ${command.task_id}: ${command.reason}`, command.task_id);
    case 'RecordTaskStopped':
      return state.status === 'cancelling' ? stopped(state, command.task_id) : already;
    case 'CancelPlan':
      return decideCancel(command, state);
    case 'DeadlinePassed':
      if (command.key !== waitingOn(state)?.key) return already;
      if (state.status === 'cancelling')
        return accept({ type: 'PlanCancelled', data: { mission_id: state.mission_id, reason: state.reason } });
      if (state.status === 'active')
        return failed(state, 'transient', `not finished within ${state.plan_ms_max} ms (budgets.mission_ms_max)`, null);
      return already;
    default:
      return never(command);
  }
}

function planned(command: Extract<PlanCommand, { type: 'PlanMission' }>): Decision<PlanEvent> {
  const { mission_id, contract, expansion, requested_by, contract_digest } = command;
  const started: PlanEvent = { type: 'PlanningStarted', data: { mission_id, template: contract.template, requested_by } };
  const unplanned = (reason: string): Decision<PlanEvent> =>
    accept<PlanEvent>(started, {
      type: 'PlanFailed',
      data: { mission_id, failure_class: 'semantic', reason: clipped(reason), stop: [] },
    });
  if (expansion === null) return unplanned('the template was not looked up');
  if ('problem' in expansion) return unplanned(expansion.problem);
  if (expansion.tasks.length === 0) return unplanned(EMPTY_PLAN);
  const { title, rollback, risk, criteria, non_goals } = contract;
  const delivery: Delivery = {
    title,
    requested_by,
    repository: contract.repository ?? null,
    criteria,
    non_goals,
    rollback,
    risk,
    contract_digest,
  };
  const tasks = [...expansion.tasks];
  const proposed: PlanEvent = {
    type: 'PlanProposed',
    data: {
      mission_id,
      template_digest: expansion.template_digest,
      tasks,
      delivery,
      plan_ms_max: contract.budgets.mission_ms_max,
    },
  };
  const problem = tooLarge(
    tasks.map((task) => handingOut(task, delivery)),
    jsonBytes(proposed.data),
  );
  if (problem !== null) return unplanned(problem);
  return accept(started, proposed, ...handedOut({ mission_id, delivery, tasks, running: new Set(), accepted: new Map() }));
}

/** Of each task what it says travels with its change; all of them together are in one event. */
function tooLarge(tasks: readonly Task[], plan_bytes: number): string | null {
  const repeated = 'shorten what every task repeats of the mission (objective, criteria, scope, agent)';
  const large = tasks.find((task) => jsonBytes(task) > TASK_BYTES_MAX);
  if (large) return `task ${large.id} has ${jsonBytes(large)} bytes, at most ${TASK_BYTES_MAX} can be handed out: ${repeated}`;
  if (plan_bytes <= EVENT_DATA_BYTES_MAX) return null;
  return `the plan of ${tasks.length} tasks has ${plan_bytes} bytes, at most ${EVENT_DATA_BYTES_MAX} can be kept: ${repeated}, or make several missions with shorter lists`;
}

/** The tasks that can start now: everything they depend on is accepted, and its results are what they start from. */
function handedOut(plan: Pick<Active, 'mission_id' | 'delivery' | 'tasks' | 'running' | 'accepted'>): PlanEvent[] {
  return plan.tasks
    .filter(
      (task) => !plan.running.has(task.id) && !plan.accepted.has(task.id) && task.depends_on.every((id) => plan.accepted.has(id)),
    )
    .map((task) => ({
      type: 'TaskReady',
      data: {
        mission_id: plan.mission_id,
        task: handingOut(task, plan.delivery),
        base: { repository: plan.delivery.repository, inputs: inputsOf(task, plan) },
      },
    }));
}

/** What all tasks share is in the plan once. */
const handingOut = (task: Task, { non_goals }: Delivery): Task => ({ ...task, ...(non_goals && { non_goals }) });

/** Artifacts of all that the task depends on, directly or not, in the plan's order. */
function inputsOf(task: Task, plan: Pick<Active, 'tasks' | 'accepted'>): string[] {
  const needed = new Set(task.depends_on);
  for (const other of plan.tasks.toReversed()) if (needed.has(other.id)) for (const id of other.depends_on) needed.add(id);
  return plan.tasks.filter((other) => needed.has(other.id)).map((other) => plan.accepted.get(other.id)!.artifact);
}

function decideReview(command: Extract<PlanCommand, { type: 'RecordReview' }>, state: PlanState): Decision<PlanEvent> {
  const { task_id, artifact, tree } = command;
  if (state.status === 'cancelling') return command.outcome === 'changes-requested' ? already : stopped(state, task_id);
  if (state.status !== 'active' || !state.running.has(task_id)) return already;
  if (command.outcome === 'changes-requested') return already;
  if (command.outcome === 'escalated') {
    const { failure_class, reason } = command.escalation ?? UNEXPLAINED;
    return failed(state, failure_class, `task ${task_id}: ${reason}`, task_id);
  }
  const { mission_id, delivery } = state;
  const taskAccepted: PlanEvent = { type: 'TaskAccepted', data: { mission_id, task_id, artifact, tree } };
  const after = evolve(state, taskAccepted) as Active;
  if (after.accepted.size < after.tasks.length) return accept(taskAccepted, ...handedOut(after));
  const accepted = after.tasks.map((task) => ({ task_id: task.id, ...after.accepted.get(task.id)! }));
  return accept<PlanEvent>(taskAccepted, { type: 'PlanCompleted', data: { mission_id, delivery, accepted } });
}

function failed(state: Active, failure_class: FailureClass, reason: string, task_id: string | null): Decision<PlanEvent> {
  const stop = [...state.running].filter((id) => id !== task_id);
  return accept({ type: 'PlanFailed', data: { mission_id: state.mission_id, failure_class, reason: clipped(reason), stop } });
}

function decideCancel(command: Extract<PlanCommand, { type: 'CancelPlan' }>, state: PlanState): Decision<PlanEvent> {
  const { mission_id } = command;
  const reason = clipped(command.reason);
  if (state.status === 'cancelling' || state.status === 'cancelled' || state.status === 'failed') return already;
  if (state.status === 'active' && state.running.size > 0)
    return accept({ type: 'PlanCancelRequested', data: { mission_id, reason, stop: [...state.running] } });
  return accept({ type: 'PlanCancelled', data: { mission_id, reason } });
}

function stopped(state: Extract<PlanState, { status: 'cancelling' }>, task_id: string): Decision<PlanEvent> {
  if (!state.stopping.has(task_id)) return already;
  // Which tasks have stopped is told by their own streams; the plan records when the last one has.
  return state.stopping.size > 1
    ? accept({ type: 'TaskStopped', data: { mission_id: state.mission_id, task_id } })
    : accept({ type: 'PlanCancelled', data: { mission_id: state.mission_id, reason: state.reason } });
}

function evolve(state: PlanState, event: PlanEvent): PlanState {
  const { mission_id } = event.data;
  switch (event.type) {
    case 'PlanningStarted':
      return { status: 'planning', mission_id };
    case 'PlanProposed': {
      const { delivery, tasks, plan_ms_max } = event.data;
      return { status: 'active', mission_id, delivery, tasks, running: new Set(), accepted: new Map(), plan_ms_max };
    }
    case 'TaskReady':
      return state.status === 'active' ? { ...state, running: new Set(state.running).add(event.data.task.id) } : state;
    case 'TaskAccepted': {
      if (state.status !== 'active') return state;
      const { task_id, artifact, tree } = event.data;
      const running = new Set(state.running);
      running.delete(task_id);
      return { ...state, running, accepted: new Map(state.accepted).set(task_id, { artifact, tree }) };
    }
    case 'PlanCancelRequested':
      return { status: 'cancelling', mission_id, reason: event.data.reason, stopping: new Set(event.data.stop) };
    case 'TaskStopped': {
      if (state.status !== 'cancelling') return state;
      const stopping = new Set(state.stopping);
      stopping.delete(event.data.task_id);
      return { ...state, stopping };
    }
    case 'PlanCompleted':
      return { status: 'completed', mission_id };
    case 'PlanFailed':
      return { status: 'failed', mission_id };
    case 'PlanCancelled':
      return { status: 'cancelled', mission_id };
    default:
      return never(event);
  }
}

function waitingOn(state: PlanState): Waiting | null {
  switch (state.status) {
    case 'planning':
      return {
        on: 'service',
        owner: 'planner',
        reason: 'the template is expanded',
        next: 'nothing: both are recorded in one append',
        key: 'planning',
        after_ms: STOP_MS_MAX,
      };
    case 'active':
      return {
        on: 'service',
        owner: 'executor',
        reason: `tasks under way: ${[...state.running].join(', ')}`,
        next: 'the plan fails',
        key: 'plan',
        after_ms: state.plan_ms_max,
      };
    case 'cancelling':
      return {
        on: 'service',
        owner: 'executor',
        reason: `tasks are being stopped: ${[...state.stopping].join(', ')}`,
        next: 'the plan is cancelled without their answer',
        key: 'cancelling',
        after_ms: STOP_MS_MAX,
      };
    default:
      return null;
  }
}

export const plan: Decider<PlanState, PlanCommand, PlanEvent> = {
  category: 'plan',
  initial: { status: 'new' },
  decide,
  evolve,
  waitingOn,
};
