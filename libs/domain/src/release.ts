/** What lands is what was tested, and what was tested is what was approved. Owner: release. */
import type { Card, Change, Delivery, FailureClass, Receipt, ReleaseEvent } from '@baton/contracts';
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
import { GATE_OPEN_MS } from './gate.ts';

/** How often a release is integrated again because its target moved, before a person has to look. */
const REVISIONS_MAX = 100;
/** The gate expires by itself; this is only for a gate that never answers. */
const GATE_WAIT_MS = GATE_OPEN_MS + 3_600_000;

type AcceptedTasks = readonly { readonly task_id: string; readonly artifact: string; readonly tree: string }[];

interface Candidate {
  readonly mission_id: string;
  readonly revision: number;
  readonly delivery: Delivery;
  readonly accepted: AcceptedTasks;
  /** Content that a gate has passed already: the same content needs no second answer. */
  readonly approved_digest: string | null;
}
type Tested = Candidate & { readonly change: Change };
type Proposed = Tested & { readonly content_digest: string };

export type ReleaseState =
  | { readonly status: 'new' }
  | (Candidate & { readonly status: 'integrating' })
  | (Tested & { readonly status: 'tested' })
  | (Proposed & { readonly status: 'gated' })
  | (Proposed & { readonly status: 'landing'; readonly cancel_reason: string | null })
  | { readonly status: 'landed' | 'verified' | 'failed' | 'cancelled' };

type Landing = Extract<ReleaseState, { status: 'landing' }>;

export type ReleaseCommand =
  | { readonly type: 'StartRelease'; readonly mission_id: string; readonly delivery: Delivery; readonly accepted: AcceptedTasks }
  | {
      readonly type: 'RecordIntegration';
      readonly revision: number;
      readonly change: Change;
      readonly receipts: readonly Receipt[];
      /** Over diff, evidence and contract: what an approval binds. */
      readonly content_digest: string;
    }
  | {
      readonly type: 'RecordGate';
      readonly revision: number;
      readonly content_digest: string;
      readonly outcome: 'passed' | 'denied' | 'expired';
      readonly reason: string;
    }
  | { readonly type: 'RecordTargetMoved'; readonly revision: number; readonly target_commit: string }
  | { readonly type: 'RecordLanding'; readonly revision: number; readonly commit: string; readonly tree: string }
  | { readonly type: 'CancelRelease'; readonly mission_id: string; readonly reason: string }
  | DeadlinePassed
  | WorkFailed;

function decide(command: ReleaseCommand, state: ReleaseState): Decision<ReleaseEvent> {
  switch (command.type) {
    case 'StartRelease': {
      if (state.status !== 'new') return already;
      const { mission_id, delivery, accepted } = command;
      return accept({ type: 'IntegrationStarted', data: { mission_id, revision: 1, delivery, accepted: [...accepted] } });
    }
    case 'RecordIntegration':
      return state.status === 'integrating' && state.revision === command.revision ? integrated(command, state) : already;
    case 'RecordGate':
      return state.status === 'gated' && state.revision === command.revision ? gated(command, state) : already;
    case 'RecordTargetMoved':
      return state.status === 'landing' && state.revision === command.revision ? moved(command, state) : already;
    case 'RecordLanding':
      return state.status === 'landing' && state.revision === command.revision ? landed(command, state) : already;
    case 'CancelRelease':
      return cancelled(command, state);
    case 'WorkFailed':
      if ((state.status !== 'integrating' && state.status !== 'landing') || command.key !== waitingOn(state)?.key) return already;
      return accept(failed(state, command.failure_class, command.cause, []));
    case 'DeadlinePassed':
      // Work whose holder is gone is taken over and done again; what landed is found by its trailers.
      if (state.status !== 'gated' || command.key !== waitingOn(state)?.key) return already;
      return accept(failed(state, 'policy', `no answer to the decision card within ${GATE_WAIT_MS} ms`, []));
    default:
      return never(command);
  }
}

const failed = (
  { mission_id, revision }: Candidate,
  failure_class: FailureClass,
  reason: string,
  receipts: readonly Receipt[],
): ReleaseEvent => ({
  type: 'ReleaseFailed',
  data: { mission_id, revision, failure_class, reason: clipped(reason), receipts: [...receipts] },
});

function integrated(command: Extract<ReleaseCommand, { type: 'RecordIntegration' }>, state: Candidate): Decision<ReleaseEvent> {
  const { mission_id, revision, delivery } = state;
  const { change, receipts, content_digest } = command;
  const tested: ReleaseEvent = { type: 'IntegrationTested', data: { mission_id, revision, change, receipts: [...receipts] } };
  const missing = delivery.criteria.filter(
    (criterion) =>
      !receipts.some(
        (receipt) => receipt.criterion_id === criterion.id && receipt.tree === change.tree && receipt.exit_code === 0,
      ),
  );
  if (missing.length > 0) {
    const reason = `the integrated change does not hold: ${missing.map((criterion) => `${criterion.id} (${criterion.statement})`).join(', ')}`;
    return accept(tested, failed(state, 'semantic', reason, receipts));
  }
  if (state.approved_digest === content_digest)
    return accept<ReleaseEvent>(tested, { type: 'ReleaseQueued', data: { mission_id, revision, content_digest } });
  const checks: Card['checks'] = delivery.criteria.map(({ id, statement }) => ({ criterion_id: id, statement, exit_code: 0 }));
  return accept<ReleaseEvent>(tested, {
    type: 'ReleaseProposed',
    data: { mission_id, revision, content_digest, delivery, change, checks },
  });
}

function gated(command: Extract<ReleaseCommand, { type: 'RecordGate' }>, state: Proposed): Decision<ReleaseEvent> {
  const { mission_id, revision, content_digest } = state;
  if (command.outcome !== 'passed') return accept(failed(state, 'policy', command.reason, []));
  if (command.content_digest !== content_digest) return refuse('different-content');
  return accept({ type: 'ReleaseQueued', data: { mission_id, revision, content_digest } });
}

function moved(command: Extract<ReleaseCommand, { type: 'RecordTargetMoved' }>, state: Landing): Decision<ReleaseEvent> {
  const { mission_id, revision, delivery, accepted, cancel_reason } = state;
  const targetMoved: ReleaseEvent = { type: 'TargetMoved', data: { mission_id, revision, target_commit: command.target_commit } };
  if (cancel_reason !== null)
    return accept<ReleaseEvent>(targetMoved, { type: 'ReleaseCancelled', data: { mission_id, revision, reason: cancel_reason } });
  if (revision >= REVISIONS_MAX)
    return accept(
      targetMoved,
      failed(state, 'transient', `the target branch moved ${REVISIONS_MAX} times between test and landing`, []),
    );
  return accept<ReleaseEvent>(targetMoved, {
    type: 'IntegrationStarted',
    data: { mission_id, revision: revision + 1, delivery, accepted: [...accepted] },
  });
}

function landed(command: Extract<ReleaseCommand, { type: 'RecordLanding' }>, state: Proposed): Decision<ReleaseEvent> {
  const { mission_id, revision, content_digest } = state;
  const { commit, tree } = command;
  if (tree !== state.change.tree) return refuse('different-tree');
  return accept<ReleaseEvent>(
    { type: 'ReleaseLanded', data: { mission_id, revision, content_digest, commit, tree } },
    { type: 'ReleaseVerified', data: { mission_id, revision, commit, tree } },
  );
}

function cancelled(command: Extract<ReleaseCommand, { type: 'CancelRelease' }>, state: ReleaseState): Decision<ReleaseEvent> {
  const { mission_id } = command;
  const reason = clipped(command.reason);
  if (state.status === 'landing') {
    // While it lands nobody can say that it did not: a landing is the truth; a target that moved is where the release ends.
    return state.cancel_reason === null
      ? accept({ type: 'ReleaseCancelRequested', data: { mission_id, revision: state.revision, reason } })
      : already;
  }
  if (state.status !== 'new' && state.status !== 'integrating' && state.status !== 'gated') return already;
  return accept({
    type: 'ReleaseCancelled',
    data: { mission_id, revision: state.status === 'new' ? 0 : state.revision, reason },
  });
}

function evolve(state: ReleaseState, event: ReleaseEvent): ReleaseState {
  switch (event.type) {
    case 'IntegrationStarted': {
      const { mission_id, revision, delivery, accepted } = event.data;
      const approved_digest = 'content_digest' in state ? state.content_digest : null;
      return { status: 'integrating', mission_id, revision, delivery, accepted, approved_digest };
    }
    case 'IntegrationTested':
      return state.status === 'integrating' ? { ...state, status: 'tested', change: event.data.change } : state;
    case 'ReleaseProposed':
      return 'change' in state ? { ...state, status: 'gated', content_digest: event.data.content_digest } : state;
    case 'ReleaseQueued':
      return 'change' in state
        ? { ...state, status: 'landing', content_digest: event.data.content_digest, cancel_reason: null }
        : state;
    case 'ReleaseCancelRequested':
      return state.status === 'landing' ? { ...state, cancel_reason: event.data.reason } : state;
    case 'TargetMoved':
      return state;
    case 'ReleaseLanded':
      return { status: 'landed' };
    case 'ReleaseVerified':
      return { status: 'verified' };
    case 'ReleaseFailed':
      return { status: 'failed' };
    case 'ReleaseCancelled':
      return { status: 'cancelled' };
    default:
      return never(event);
  }
}

function waitingOn(state: ReleaseState): Waiting | null {
  switch (state.status) {
    case 'integrating':
      return {
        on: 'work',
        owner: 'release',
        work: 'integrate',
        reason: `the accepted tasks are integrated and tested (revision ${state.revision})`,
        next: 'another release service takes it over',
        key: `integrate-${state.revision}`,
        after_ms: LEASE_MS,
      };
    case 'gated':
      return {
        on: 'service',
        owner: 'approval',
        reason: `the gate of revision ${state.revision} is open`,
        next: 'the release fails',
        key: `gate-${state.revision}`,
        after_ms: GATE_WAIT_MS,
      };
    case 'landing':
      return {
        on: 'work',
        owner: 'release',
        work: 'land',
        reason: `revision ${state.revision} is landed on ${state.delivery.repository?.target ?? 'its documents'}`,
        next: 'another release service takes it over',
        key: `land-${state.revision}`,
        after_ms: LEASE_MS,
      };
    default:
      return null;
  }
}

export const release: Decider<ReleaseState, ReleaseCommand, ReleaseEvent> = {
  category: 'release',
  initial: { status: 'new' },
  decide,
  evolve,
  waitingOn,
};
