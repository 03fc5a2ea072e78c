/** A person grants exactly what was shown to them, once, before it expires; nobody answers in silence's place. Owner: approval. */
import type { Actor, Card, Delivery, GateEvent, PolicyRef, Tier } from '@baton/contracts';
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

/** How long a card stays open; then the gate is closed, never passed. */
export const GATE_OPEN_MS = 24 * 3_600_000;

/** What the policy said, and which rule of it. */
export interface Evaluation {
  readonly tier: Tier;
  readonly self_approval: boolean;
  readonly policy: PolicyRef;
}

interface Named {
  readonly mission_id: string;
  readonly revision: number;
  readonly content_digest: string;
}

type Open = Named & {
  readonly status: 'open';
  readonly requested_by: string;
  readonly self_approval: boolean;
  readonly policy: PolicyRef;
  readonly title: string;
  readonly expires_after_ms: number;
};

export type GateState =
  | { readonly status: 'new' }
  | Open
  | { readonly status: 'passed' | 'denied'; readonly content_digest: string; readonly by: Actor }
  | { readonly status: 'expired' | 'superseded' };

export type GateCommand =
  | ({
      readonly type: 'OpenGate';
      readonly requested_by: string;
      readonly card: Card;
      /** Where it would land and every path it touches: what the policy looks at; the card shows the first of them. */
      readonly target: { readonly repository: Delivery['repository']; readonly files: readonly string[] };
      /** Asked of the policy right before deciding; null only until then. */
      readonly evaluation: Evaluation | null;
    } & Named)
  | {
      readonly type: 'AnswerGate';
      readonly answer: 'approve' | 'deny';
      readonly content_digest: string;
      readonly by: Actor;
      readonly channel: string;
      readonly reason: string;
    }
  | { readonly type: 'SupersedeGate'; readonly reason: string }
  | DeadlinePassed;

const SERVICE: Actor = { kind: 'service', id: 'approval' };

function decide(command: GateCommand, state: GateState): Decision<GateEvent> {
  switch (command.type) {
    case 'OpenGate':
      return state.status === 'new' ? opened(command) : already;
    case 'AnswerGate':
      return state.status === 'open' ? answered(command, state) : answeredLate(command, state);
    case 'SupersedeGate':
      return state.status === 'open'
        ? accept({ type: 'GateSuperseded', data: { ...named(state), reason: clipped(command.reason) } })
        : already;
    case 'DeadlinePassed':
      return state.status === 'open' && command.key === waitingOn(state)?.key
        ? accept({ type: 'GateExpired', data: named(state) })
        : already;
    default:
      return never(command);
  }
}

const named = ({ mission_id, revision, content_digest }: Named): Named => ({ mission_id, revision, content_digest });

function opened(command: Extract<GateCommand, { type: 'OpenGate' }>): Decision<GateEvent> {
  const { evaluation, card, requested_by } = command;
  if (evaluation === null) return refuse('policy-not-evaluated');
  const { tier, policy, self_approval } = evaluation;
  if (tier !== 'gate') return accept({ type: 'GatePassed', data: { ...named(command), tier, policy, by: SERVICE } });
  return accept({
    type: 'GateOpened',
    data: { ...named(command), tier, policy, card, requested_by, self_approval, expires_after_ms: GATE_OPEN_MS },
  });
}

function answered(command: Extract<GateCommand, { type: 'AnswerGate' }>, state: Open): Decision<GateEvent> {
  const { by, channel, reason } = command;
  // The content may have moved since it was read: approve content, never a name.
  if (command.content_digest !== state.content_digest) return refuse('different-content');
  if (command.answer === 'deny')
    return accept({ type: 'ApprovalDenied', data: { ...named(state), by, channel, reason: clipped(reason) } });
  if (!state.self_approval && samePerson(by.id, state.requested_by)) return refuse('self-approval');
  return accept<GateEvent>(
    { type: 'ApprovalGranted', data: { ...named(state), by, channel } },
    { type: 'GatePassed', data: { ...named(state), tier: 'gate', policy: state.policy, by } },
  );
}

/** Nobody gets past a second person by writing their own name otherwise. Both ways: some letters have no partner in one of the cases. */
const samePerson = (one: string, other: string): boolean => folded(one) === folded(other);
const folded = (name: string): string => name.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC');

function answeredLate(
  command: Extract<GateCommand, { type: 'AnswerGate' }>,
  state: Exclude<GateState, Open>,
): Decision<GateEvent> {
  if (state.status === 'new') return refuse('unknown-card');
  if (!('by' in state)) return refuse(state.status);
  const same =
    (command.answer === 'approve') === (state.status === 'passed') &&
    command.by.id === state.by.id &&
    command.content_digest === state.content_digest;
  return same ? already : refuse('already-decided');
}

function evolve(state: GateState, event: GateEvent): GateState {
  switch (event.type) {
    case 'GateOpened': {
      const { requested_by, self_approval, policy, card, expires_after_ms } = event.data;
      return { status: 'open', ...named(event.data), requested_by, self_approval, policy, title: card.title, expires_after_ms };
    }
    case 'ApprovalGranted':
      return state;
    case 'GatePassed':
      return { status: 'passed', content_digest: event.data.content_digest, by: event.data.by };
    case 'ApprovalDenied':
      return { status: 'denied', content_digest: event.data.content_digest, by: event.data.by };
    case 'GateExpired':
      return { status: 'expired' };
    case 'GateSuperseded':
      return { status: 'superseded' };
    default:
      return never(event);
  }
}

function waitingOn(state: GateState): Waiting | null {
  if (state.status !== 'open') return null;
  return {
    on: 'person',
    owner: 'an approver',
    reason: `a decision is asked for: ${state.title}`,
    next: 'the gate expires and the release fails',
    key: 'gate',
    after_ms: state.expires_after_ms,
  };
}

export const gate: Decider<GateState, GateCommand, GateEvent> = {
  category: 'gate',
  initial: { status: 'new' },
  decide,
  evolve,
  waitingOn,
};
