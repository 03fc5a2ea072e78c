/** What lands is what was tested, and what was tested is what was approved. Owner: release. */
import type { Card, Change, Delivery, FailureClass, Receipt, ReleaseEvent } from '@baton/contracts';
import {
  accept,
  already,
  clipped,
  never,
  refuse,
  type DeadlinePassed,
  type Decider,
  type Decision,
  type WorkFailed,
} from './decider.ts';
import { fitting } from './fitting.ts';
import { nextWait, OUTAGE_MS_MAX } from './outage.ts';
import {
  evolve,
  GATE_WAIT_MS,
  onlyLooks,
  waitingOn,
  type AcceptedTasks,
  type Candidate,
  type Integrating,
  type Landing,
  type Proposed,
  type ReleaseState,
} from './release-state.ts';

/** How often a release is integrated again because its target moved, before a person has to look. */
const REVISIONS_MAX = 100;
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
  /** The target was read, and what is cancelled is not on it. */
  | { readonly type: 'RecordNotLanded'; readonly revision: number }
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
    case 'RecordLanding': {
      // Whoever was thought to have failed may have landed.
      const landing = state.status === 'delayed' ? state.of : state;
      return landing.status === 'landing' && landing.revision === command.revision ? landed(command, landing) : already;
    }
    case 'RecordNotLanded': {
      if (state.status !== 'landing' || state.revision !== command.revision || !onlyLooks(state)) return already;
      const { mission_id, revision, cancel_reason } = state;
      return accept({ type: 'ReleaseCancelled', data: { mission_id, revision, reason: cancel_reason ?? '' } });
    }
    case 'CancelRelease':
      return cancelled(command, state);
    case 'WorkFailed':
      if ((state.status !== 'integrating' && state.status !== 'landing') || command.key !== waitingOn(state)?.key) return already;
      if (command.failure_class === 'transient') return accept(delayed(state, command.cause));
      return accept(failed(state, command.failure_class, command.cause, []));
    case 'DeadlinePassed':
      // Work whose holder is gone is taken over and done again; what landed is found by its trailers.
      if (command.key !== waitingOn(state)?.key) return already;
      if (state.status === 'delayed') return accept(resumed(state.of));
      if (state.status !== 'gated') return already;
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

/** What failed may be out of reach only: tried again until it is back. Whether a push arrived is not known before the target can be read. */
function delayed(of: Integrating | Landing, cause: string): ReleaseEvent {
  const { mission_id, revision, status } = of;
  const wait = nextWait(of.outage);
  if (wait !== null) {
    const step = status === 'landing' ? 'land' : 'integrate';
    return { type: 'ReleaseDelayed', data: { mission_id, revision, step, ...wait, reason: clipped(cause) } };
  }
  const so_far =
    status === 'landing'
      ? `whether it landed is not known: look on the target branch for a commit with "Baton-Mission: ${mission_id}"`
      : 'nothing landed';
  return failed(of, 'transient', `given up after ${OUTAGE_MS_MAX} ms of waiting; ${so_far}; the last failure: ${cause}`, []);
}

const resumed = ({ mission_id, revision, status, outage }: Integrating | Landing): ReleaseEvent => ({
  type: 'ReleaseResumed',
  data: { mission_id, revision, step: status === 'landing' ? 'land' : 'integrate', failures: outage?.failures ?? 0 },
});

function integrated(command: Extract<ReleaseCommand, { type: 'RecordIntegration' }>, state: Candidate): Decision<ReleaseEvent> {
  const { mission_id, revision, delivery } = state;
  const { change, content_digest } = command;
  const data = fitting({ mission_id, revision, change, receipts: [...command.receipts] });
  if ('problem' in data) return accept(failed(state, 'semantic', data.problem, []));
  const { receipts } = data;
  const tested: ReleaseEvent = { type: 'IntegrationTested', data };
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

function cancelled(command: Extract<ReleaseCommand, { type: 'CancelRelease' }>, now: ReleaseState): Decision<ReleaseEvent> {
  const { mission_id } = command;
  const reason = clipped(command.reason);
  const state = now.status === 'delayed' ? now.of : now;
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

export const release: Decider<ReleaseState, ReleaseCommand, ReleaseEvent> = {
  category: 'release',
  initial: { status: 'new' },
  decide,
  evolve,
  waitingOn,
};
