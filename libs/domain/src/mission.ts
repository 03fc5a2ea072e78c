/** A mission is one request: accepted once, ended once, whatever is asked how often and in whatever order. Owner: intake. */
import type { Fault, FailureClass, MissionContract, MissionEvent } from '@baton/contracts';
import { CANCEL_MS_MAX } from './cancelling.ts';
import {
  accept,
  already,
  clipped,
  never,
  refuse,
  type DeadlinePassed,
  type Decider,
  type Decision,
  type Waiting,
} from './decider.ts';

/** Bounds of the contracts' faultSchema and of the list of them in MissionRejected. */
const FAULTS_MAX = 100;
const readable = ({ field, problem, fix }: Fault): Fault => ({
  field: clipped(field, 500),
  problem: clipped(problem, 1_000),
  fix: clipped(fix, 1_000),
});

export type MissionState =
  | { readonly status: 'new' }
  | { readonly status: 'rejected'; readonly mission_id: string }
  | { readonly status: 'active'; readonly mission_id: string; readonly contract_digest: string; readonly mission_ms_max: number }
  | { readonly status: 'cancelling'; readonly mission_id: string; readonly contract_digest: string; readonly reason: string }
  | { readonly status: 'cancelled'; readonly mission_id: string; readonly contract_digest: string; readonly confirmed: boolean }
  | { readonly status: 'completed' | 'failed'; readonly contract_digest: string };

export type MissionCommand =
  | {
      readonly type: 'AcceptMission';
      readonly mission_id: string;
      readonly contract: MissionContract;
      readonly contract_digest: string;
      readonly requested_by: string;
      readonly source: 'http' | 'event';
    }
  | {
      readonly type: 'RejectMission';
      readonly mission_id: string;
      readonly requested_by: string;
      readonly faults: readonly Fault[];
    }
  | { readonly type: 'CancelMission'; readonly by: string; readonly reason: string }
  | { readonly type: 'CompleteMission'; readonly commit: string; readonly tree: string }
  | {
      readonly type: 'FailMission';
      readonly stage: 'plan' | 'release';
      readonly failure_class: FailureClass;
      readonly reason: string;
    }
  | { readonly type: 'ConfirmCancel'; readonly reason: string }
  | DeadlinePassed;

function decide(command: MissionCommand, state: MissionState): Decision<MissionEvent> {
  switch (command.type) {
    case 'AcceptMission':
      return decideAccept(command, state);
    case 'RejectMission': {
      if (state.status !== 'new' && state.status !== 'rejected') return refuse('different-content');
      const { mission_id, requested_by, faults } = command;
      return accept({
        type: 'MissionRejected',
        data: { mission_id, requested_by, faults: faults.slice(0, FAULTS_MAX).map(readable) },
      });
    }
    case 'CancelMission':
      if (state.status === 'new' || state.status === 'rejected') return refuse('unknown-mission');
      if (state.status === 'cancelling' || state.status === 'cancelled') return already;
      if (state.status !== 'active') return refuse('already-ended');
      return accept({
        type: 'MissionCancelRequested',
        data: { mission_id: state.mission_id, by: command.by, reason: clipped(command.reason) },
      });
    default:
      return decideEnd(command, state);
  }
}

function decideAccept(command: Extract<MissionCommand, { type: 'AcceptMission' }>, state: MissionState): Decision<MissionEvent> {
  // A rejected request may be sent again, mended, under the same key.
  if (state.status === 'new' || state.status === 'rejected') {
    const { type: _type, ...data } = command;
    return accept({ type: 'MissionAccepted', data });
  }
  return state.contract_digest === command.contract_digest ? already : refuse('different-content');
}

/** The ways a mission ends. A late report never changes an end, but for one: what landed after all is told as it is. */
function decideEnd(
  command: Exclude<MissionCommand, { type: 'AcceptMission' | 'RejectMission' | 'CancelMission' }>,
  state: MissionState,
): Decision<MissionEvent> {
  if (state.status === 'cancelled' && !state.confirmed && command.type === 'CompleteMission') {
    return accept({
      type: 'MissionCompleted',
      data: { mission_id: state.mission_id, commit: command.commit, tree: command.tree },
    });
  }
  if (state.status !== 'active' && state.status !== 'cancelling') return already;
  const { mission_id } = state;
  switch (command.type) {
    case 'CompleteMission':
      return accept({ type: 'MissionCompleted', data: { mission_id, commit: command.commit, tree: command.tree } });
    case 'FailMission':
      if (state.status === 'cancelling')
        return accept({ type: 'MissionCancelled', data: { mission_id, reason: state.reason, confirmed: true } });
      return accept({
        type: 'MissionFailed',
        data: { mission_id, stage: command.stage, failure_class: command.failure_class, reason: clipped(command.reason) },
      });
    case 'ConfirmCancel':
      return accept({
        type: 'MissionCancelled',
        data: { mission_id, reason: state.status === 'cancelling' ? state.reason : clipped(command.reason), confirmed: true },
      });
    case 'DeadlinePassed':
      if (command.key !== waitingOn(state)?.key) return already;
      if (state.status === 'cancelling')
        return accept({ type: 'MissionCancelled', data: { mission_id, reason: state.reason, confirmed: false } });
      return accept({
        type: 'MissionCancelRequested',
        data: { mission_id, by: 'baton', reason: `not finished within ${state.mission_ms_max} ms (budgets.mission_ms_max)` },
      });
    default:
      return never(command);
  }
}

function evolve(state: MissionState, event: MissionEvent): MissionState {
  const contract_digest = 'contract_digest' in state ? state.contract_digest : '';
  switch (event.type) {
    case 'MissionAccepted': {
      const { mission_id, contract } = event.data;
      return {
        status: 'active',
        mission_id,
        contract_digest: event.data.contract_digest,
        mission_ms_max: contract.budgets.mission_ms_max,
      };
    }
    case 'MissionRejected':
      return { status: 'rejected', mission_id: event.data.mission_id };
    case 'MissionCancelRequested':
      return { status: 'cancelling', mission_id: event.data.mission_id, contract_digest, reason: event.data.reason };
    case 'MissionCancelled':
      return { status: 'cancelled', mission_id: event.data.mission_id, contract_digest, confirmed: event.data.confirmed };
    case 'MissionCompleted':
      return { status: 'completed', contract_digest };
    case 'MissionFailed':
      return { status: 'failed', contract_digest };
    default:
      return never(event);
  }
}

function waitingOn(state: MissionState): Waiting | null {
  switch (state.status) {
    case 'active':
      return {
        on: 'service',
        owner: 'planner',
        reason: 'the plan is carried out and released',
        next: 'the mission is cancelled',
        key: 'mission',
        after_ms: state.mission_ms_max,
      };
    case 'cancelling':
      return {
        on: 'service',
        owner: 'planner',
        reason: 'its parts are being stopped',
        next: 'the mission is cancelled without their confirmation',
        key: 'cancelling',
        after_ms: CANCEL_MS_MAX,
      };
    default:
      return null;
  }
}

export const mission: Decider<MissionState, MissionCommand, MissionEvent> = {
  category: 'mission',
  initial: { status: 'new' },
  decide,
  evolve,
  waitingOn,
};
