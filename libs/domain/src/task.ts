/**
 * A task is worked on by one attempt at a time. The number of the attempt is its fence: what an attempt reports counts only
 * while it is the current one. Owner: executor.
 */
import type { Change, FailureClass, Finding, Receipt, SandboxMode, Task, TaskEvent, WorkspaceBase } from '@baton/contracts';
import {
  accept,
  already,
  clipped,
  LEASE_MS,
  never,
  refuse,
  type DeadlinePassed,
  type Decider,
  type Decision,
  type Waiting,
  type WorkFailed,
} from './decider.ts';
import { fitting } from './fitting.ts';
import { nextWait, OUTAGE_MS_MAX, type Outage } from './outage.ts';

/** Wait before the second attempt; doubles with each further one. */
const BACKOFF_MS = 1_000;
const BACKOFF_MS_MAX = 5 * 60_000;
/** An executor that dies is not the agent's fault and does not count as a failed attempt, but it may not go on for ever. */
const LOST_MAX = 10;

interface Assigned {
  readonly mission_id: string;
  readonly task: Task;
  readonly base: WorkspaceBase;
  readonly attempt: number;
  readonly findings: readonly Finding[];
  /** Failed attempts since the last one that came to a review. */
  readonly failures: number;
  readonly lost: number;
  /** What attempts need was out of reach, the last times in a row. */
  readonly outage?: Outage;
}

export type TaskState =
  | { readonly status: 'new' }
  | (Assigned & { readonly status: 'running' })
  | (Assigned & { readonly status: 'failed' })
  /** `attempt` is the one to come. */
  | (Assigned & { readonly status: 'backing-off'; readonly after_ms: number })
  /** In the reviewer's hands; comes back with findings or not at all. */
  | (Assigned & { readonly status: 'handed-over' })
  | { readonly status: 'blocked' | 'cancelled' };

export type TaskCommand =
  | { readonly type: 'StartTask'; readonly mission_id: string; readonly task: Task; readonly base: WorkspaceBase }
  | { readonly type: 'Rework'; readonly attempt: number; readonly findings: readonly Finding[] }
  | {
      readonly type: 'RecordSuccess';
      readonly attempt: number;
      readonly summary: string;
      readonly change: Change;
      readonly receipts: readonly Receipt[];
      readonly sandbox?: SandboxMode;
    }
  | {
      readonly type: 'RecordFailure';
      readonly attempt: number;
      readonly failure_class: FailureClass;
      readonly cause: string;
      readonly output_tail: string;
      readonly sandbox?: SandboxMode;
    }
  /** The workspace could not be opened, for what may pass: no agent was started. */
  | { readonly type: 'RecordOutage'; readonly attempt: number; readonly cause: string }
  | { readonly type: 'CancelTask'; readonly mission_id: string; readonly task_id: string; readonly reason: string }
  | DeadlinePassed
  | WorkFailed;

function decide(command: TaskCommand, state: TaskState): Decision<TaskEvent> {
  switch (command.type) {
    case 'StartTask':
      return state.status === 'new' ? accept(started({ ...command, attempt: 1, findings: [] })) : already;
    case 'Rework':
      if (state.status !== 'handed-over' || state.attempt !== command.attempt) return already;
      return accept(started({ ...state, attempt: state.attempt + 1, findings: command.findings }));
    case 'RecordSuccess': {
      if (state.status === 'handed-over' && state.attempt === command.attempt) return already;
      if (state.status !== 'running' || state.attempt !== command.attempt) return refuse('stale-attempt');
      const { summary, change, receipts } = command;
      const { task: own, base } = state;
      const data = fitting({ ...named(state), task: own, base, summary, change, receipts: [...receipts], ...sandboxOf(command) });
      if ('problem' in data)
        return failed(state, { ...command, failure_class: 'semantic', cause: data.problem, output_tail: '' });
      return accept({ type: 'AttemptSucceeded', data });
    }
    case 'RecordFailure':
      if (state.status !== 'running' || state.attempt !== command.attempt) return refuse('stale-attempt');
      return failed(state, command);
    case 'RecordOutage':
      if (state.status !== 'running' || state.attempt !== command.attempt) return refuse('stale-attempt');
      return outOfReach(state, command.cause);
    case 'WorkFailed':
      if (state.status !== 'running' || command.key !== waitingOn(state)?.key) return already;
      return failed(state, { ...command, output_tail: '' });
    case 'CancelTask':
      if (state.status === 'blocked' || state.status === 'cancelled') return already;
      return accept({
        type: 'TaskCancelled',
        data: { mission_id: command.mission_id, task_id: command.task_id, reason: clipped(command.reason) },
      });
    case 'DeadlinePassed':
      if (command.key !== waitingOn(state)?.key) return already;
      if (state.status === 'running') return lost(state, command.last_holder ?? 'unknown');
      return state.status === 'backing-off' ? accept(started(state)) : already;
    default:
      return never(command);
  }
}

const named = (state: Assigned): { mission_id: string; task_id: string; attempt: number } => ({
  mission_id: state.mission_id,
  task_id: state.task.id,
  attempt: state.attempt,
});

const started = (start: Pick<Assigned, 'mission_id' | 'task' | 'base' | 'attempt' | 'findings'>): TaskEvent => ({
  type: 'AttemptStarted',
  data: {
    mission_id: start.mission_id,
    task_id: start.task.id,
    attempt: start.attempt,
    task: start.task,
    base: start.base,
    findings: [...start.findings],
  },
});

const sandboxOf = ({ sandbox }: { readonly sandbox?: SandboxMode }): { sandbox?: SandboxMode } =>
  sandbox === undefined ? {} : { sandbox };

/** Only what may pass by itself is tried again; a wrong plan or a forbidden act is not. */
function failed(
  state: Assigned,
  failure: { failure_class: FailureClass; cause: string; output_tail: string; sandbox?: SandboxMode },
): Decision<TaskEvent> {
  const { failure_class, cause, output_tail } = failure;
  const attemptFailed: TaskEvent = {
    type: 'AttemptFailed',
    data: { ...named(state), failure_class, cause: clipped(cause), output_tail, ...sandboxOf(failure) },
  };
  const { attempts_max } = state.task;
  if (failure_class !== 'transient') return accept(attemptFailed, blocked(state, failure_class, cause));
  if (state.failures + 1 >= attempts_max)
    return accept(
      attemptFailed,
      blocked(state, failure_class, `${attempts_max} attempts failed (budgets.attempts_max); the last: ${cause}`),
    );
  return accept(attemptFailed, retry(state, Math.min(BACKOFF_MS * 2 ** state.failures, BACKOFF_MS_MAX)));
}

/** A host that is away is not the agent's fault: it is waited for, longer than for an attempt that failed, and not for ever. */
function outOfReach(state: Assigned, cause: string): Decision<TaskEvent> {
  const attemptFailed: TaskEvent = {
    type: 'AttemptFailed',
    data: { ...named(state), failure_class: 'transient', cause: clipped(cause), output_tail: '', began: false },
  };
  const wait = nextWait(state.outage);
  if (wait !== null) return accept(attemptFailed, retry(state, wait.after_ms));
  return accept(
    attemptFailed,
    blocked(state, 'transient', `given up after ${OUTAGE_MS_MAX} ms of waiting; the last failure: ${cause}`),
  );
}

function lost(state: Assigned, holder: string): Decision<TaskEvent> {
  const attemptLost: TaskEvent = {
    type: 'AttemptLost',
    data: { ...named(state), holder, cause: `the executor ${holder} that ran it stopped answering` },
  };
  if (state.lost + 1 >= LOST_MAX)
    return accept(attemptLost, blocked(state, 'transient', `${LOST_MAX} attempts were lost with their executors`));
  return accept(attemptLost, retry(state, 0));
}

const retry = (state: Assigned, after_ms: number): TaskEvent => ({
  type: 'RetryScheduled',
  data: { ...named(state), attempt: state.attempt + 1, after_ms },
});

const blocked = (state: Assigned, failure_class: FailureClass, reason: string): TaskEvent => ({
  type: 'TaskBlocked',
  data: { mission_id: state.mission_id, task_id: state.task.id, failure_class, reason: clipped(reason) },
});

/** An agent was started: the outage, if there was one, is over. */
function reached(state: Assigned): Assigned {
  const { outage: _over, ...rest } = state;
  return rest;
}

function evolve(state: TaskState, event: TaskEvent): TaskState {
  const counted =
    'failures' in state
      ? { failures: state.failures, lost: state.lost, ...(state.outage && { outage: state.outage }) }
      : { failures: 0, lost: 0 };
  switch (event.type) {
    case 'AttemptStarted': {
      const { mission_id, task, base, attempt, findings } = event.data;
      return { status: 'running', mission_id, task, base, attempt, findings, ...counted };
    }
    case 'AttemptSucceeded':
      return 'task' in state ? { ...reached(state), status: 'handed-over', failures: 0 } : state;
    case 'AttemptFailed': {
      if (!('task' in state)) return state;
      if (event.data.began !== false) return { ...reached(state), status: 'failed', failures: state.failures + 1 };
      const { failures, waited_ms } = state.outage ?? { failures: 0, waited_ms: 0 };
      return { ...state, status: 'failed', outage: { failures: failures + 1, waited_ms } };
    }
    case 'AttemptLost':
      return 'task' in state ? { ...state, status: 'failed', lost: state.lost + 1 } : state;
    case 'RetryScheduled':
      return 'task' in state
        ? {
            ...state,
            status: 'backing-off',
            attempt: event.data.attempt,
            after_ms: event.data.after_ms,
            ...(state.outage && { outage: { ...state.outage, waited_ms: state.outage.waited_ms + event.data.after_ms } }),
          }
        : state;
    case 'TaskBlocked':
      return { status: 'blocked' };
    case 'TaskCancelled':
      return { status: 'cancelled' };
    default:
      return never(event);
  }
}

function waitingOn(state: TaskState): Waiting | null {
  switch (state.status) {
    case 'running':
      return {
        on: 'work',
        owner: 'executor',
        work: 'attempt',
        key: `attempt-${state.attempt}`,
        after_ms: LEASE_MS,
        reason: `attempt ${state.attempt} of task ${state.task.id} runs (at most ${state.task.run_ms_max} ms)`,
        next: 'the attempt counts as lost and is made again',
      };
    case 'backing-off':
      return {
        on: 'time',
        owner: 'executor',
        reason: `task ${state.task.id} waits before attempt ${state.attempt}`,
        next: `attempt ${state.attempt} starts`,
        key: `retry-${state.attempt}`,
        after_ms: state.after_ms,
      };
    default:
      // failed: an instant within one append. handed-over: the review's own stream waits.
      return null;
  }
}

export const task: Decider<TaskState, TaskCommand, TaskEvent> = {
  category: 'task',
  initial: { status: 'new' },
  decide,
  evolve,
  waitingOn,
};
