/** Where a release stands, and what it waits for there. */
import type { Change, Delivery, ReleaseEvent } from '@baton/contracts';
import { LEASE_MS, never, type Waiting } from './decider.ts';
import { GATE_OPEN_MS } from './gate.ts';
import type { Outage } from './outage.ts';

/** The gate expires by itself; this is only for a gate that never answers. */
export const GATE_WAIT_MS = GATE_OPEN_MS + 3_600_000;

export type AcceptedTasks = readonly { readonly task_id: string; readonly artifact: string; readonly tree: string }[];

export interface Candidate {
  readonly mission_id: string;
  readonly revision: number;
  readonly delivery: Delivery;
  readonly accepted: AcceptedTasks;
  /** Content that a gate has passed already: the same content needs no second answer. */
  readonly approved_digest: string | null;
}
export type Tested = Candidate & { readonly change: Change };
export type Proposed = Tested & { readonly content_digest: string };

export type Integrating = Candidate & { readonly status: 'integrating'; readonly outage?: Outage };
export type Landing = Proposed & { readonly status: 'landing'; readonly cancel_reason: string | null; readonly outage?: Outage };

export type ReleaseState =
  | { readonly status: 'new' }
  | Integrating
  | (Tested & { readonly status: 'tested' })
  | (Proposed & { readonly status: 'gated' })
  | Landing
  /** What it works with is out of reach; goes on with `of`. */
  | { readonly status: 'delayed'; readonly of: Integrating | Landing; readonly after_ms: number; readonly reason: string }
  | { readonly status: 'landed' | 'verified' | 'failed' | 'cancelled' };

/** What was cancelled during an outage is not pushed any more: only looked for, for it may have landed before. */
export const onlyLooks = ({ cancel_reason, outage }: Landing): boolean => cancel_reason !== null && outage !== undefined;

export function evolve(state: ReleaseState, event: ReleaseEvent): ReleaseState {
  switch (event.type) {
    case 'IntegrationStarted': {
      const { mission_id, revision, delivery, accepted } = event.data;
      const approved_digest = 'content_digest' in state ? state.content_digest : null;
      return { status: 'integrating', mission_id, revision, delivery, accepted, approved_digest };
    }
    case 'IntegrationTested': {
      if (state.status !== 'integrating') return state;
      const { outage: _over, ...candidate } = state;
      return { ...candidate, status: 'tested', change: event.data.change };
    }
    case 'ReleaseProposed':
      return 'change' in state ? { ...state, status: 'gated', content_digest: event.data.content_digest } : state;
    case 'ReleaseQueued':
      return 'change' in state
        ? { ...state, status: 'landing', content_digest: event.data.content_digest, cancel_reason: null }
        : state;
    case 'ReleaseCancelRequested': {
      // Looked for at once, not when the next try would have been.
      const landing = state.status === 'delayed' ? state.of : state;
      return landing.status === 'landing' ? { ...landing, cancel_reason: event.data.reason } : state;
    }
    case 'ReleaseDelayed': {
      if (state.status !== 'integrating' && state.status !== 'landing') return state;
      const { failures, waited_ms, after_ms, reason } = event.data;
      return { status: 'delayed', of: { ...state, outage: { failures, waited_ms: waited_ms + after_ms } }, after_ms, reason };
    }
    case 'ReleaseResumed':
      return state.status === 'delayed' ? state.of : state;
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

/** Another one for each try that is recorded: a report of an earlier one counts for nothing. */
const workKey = (work: string, { revision, outage }: Integrating | Landing): string =>
  `${work}-${revision}${outage ? `.${outage.failures}` : ''}`;

export function waitingOn(state: ReleaseState): Waiting | null {
  switch (state.status) {
    case 'integrating':
      return {
        on: 'work',
        owner: 'release',
        work: 'integrate',
        reason: `the accepted tasks are integrated and tested (revision ${state.revision})`,
        next: 'another release service takes it over',
        key: workKey('integrate', state),
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
        key: workKey('land', state),
        after_ms: LEASE_MS,
      };
    case 'delayed':
      return {
        on: 'time',
        owner: 'release',
        reason: `revision ${state.of.revision} could not be ${state.of.status === 'landing' ? 'landed' : 'integrated'} (failure ${state.of.outage?.failures ?? 0}): ${state.reason}`,
        next:
          state.of.status === 'landing' ? 'the target is read again, and landed on if it is not there yet' : 'it is tried again',
        key: `delayed-${state.of.revision}-${state.of.outage?.failures ?? 0}`,
        after_ms: state.after_ms,
      };
    default:
      return null;
  }
}
