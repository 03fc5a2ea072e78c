/** A review gives one verdict per criterion and attempt; only a finding with evidence can send work back. Owner: reviewer. */
import type { Change, DataOf, Finding, Receipt, ReviewEvent, Task, WorkspaceBase } from '@baton/contracts';
import {
  accept,
  already,
  clipped,
  LEASE_MS,
  never,
  type DeadlinePassed,
  type Decider,
  type Decision,
  type Waiting,
  type WorkFailed,
} from './decider.ts';

/** After so many rounds a person has to look: the loop is not converging. */
export const REVIEW_ROUNDS_MAX = 10;

interface Subject {
  readonly mission_id: string;
  readonly task_id: string;
  readonly attempt: number;
  readonly task: Task;
  readonly base: WorkspaceBase;
  readonly change: Change;
  readonly receipts: readonly Receipt[];
  readonly summary: string;
}

export interface Verdict {
  readonly criterion_id: string;
  readonly holds: boolean;
  readonly evidence: string;
}

export type ReviewState =
  | { readonly status: 'new' }
  | { readonly status: 'reviewing'; readonly subject: Subject; readonly round: number }
  | { readonly status: 'concluded'; readonly attempt: number; readonly round: number };

export type ReviewCommand =
  | ({ readonly type: 'StartReview' } & Subject)
  | {
      readonly type: 'ConcludeReview';
      readonly attempt: number;
      readonly verdicts: readonly Verdict[];
      readonly findings: readonly Finding[];
    }
  | DeadlinePassed
  | WorkFailed;

function decide(command: ReviewCommand, state: ReviewState): Decision<ReviewEvent> {
  switch (command.type) {
    case 'StartReview': {
      if (state.status === 'reviewing' || (state.status === 'concluded' && command.attempt <= state.attempt)) return already;
      const { type: _type, ...subject } = command;
      return accept({ type: 'ReviewStarted', data: { ...subject, receipts: [...subject.receipts] } });
    }
    case 'ConcludeReview':
      if (state.status !== 'reviewing' || state.subject.attempt !== command.attempt) return already;
      return concluded(state, command.verdicts, command.findings);
    case 'WorkFailed': {
      if (state.status !== 'reviewing' || command.key !== waitingOn(state)?.key) return already;
      const finding: Finding = {
        criterion_id: null,
        severity: 'blocking',
        statement: 'the change could not be reviewed',
        evidence: clipped(command.cause),
      };
      return accept<ReviewEvent>(
        { type: 'FindingRaised', data: { ...named(state.subject), finding } },
        escalated(state.subject, {
          failure_class: command.failure_class,
          reason: `its change could not be reviewed: ${command.cause}`,
        }),
      );
    }
    case 'DeadlinePassed':
      // The reviewer that held it is gone; whoever took the deadline over reviews again: nothing was touched.
      return already;
    default:
      return never(command);
  }
}

const named = (subject: Subject): { mission_id: string; task_id: string; attempt: number } => ({
  mission_id: subject.mission_id,
  task_id: subject.task_id,
  attempt: subject.attempt,
});

const end = (subject: Subject, outcome: 'accepted' | 'changes-requested'): ReviewEvent => ({
  type: 'ReviewConcluded',
  data: { ...named(subject), outcome, artifact: subject.change.artifact, tree: subject.change.tree },
});

type Escalation = NonNullable<DataOf<'ReviewConcluded'>['escalation']>;

const escalated = (subject: Subject, { failure_class, reason }: Escalation): ReviewEvent => ({
  type: 'ReviewConcluded',
  data: {
    ...named(subject),
    outcome: 'escalated',
    artifact: subject.change.artifact,
    tree: subject.change.tree,
    escalation: { failure_class, reason: clipped(reason) },
  },
});

function concluded(
  state: Extract<ReviewState, { status: 'reviewing' }>,
  given: readonly Verdict[],
  findings: readonly Finding[],
): Decision<ReviewEvent> {
  const { subject, round } = state;
  // A criterion that nobody judged does not hold: silence accepts nothing.
  const unjudged = subject.task.acceptance.filter(({ id }) => !given.some((verdict) => verdict.criterion_id === id));
  const verdicts = [
    ...given,
    ...unjudged.map(({ id }): Verdict => ({ criterion_id: id, holds: false, evidence: 'the review gave no verdict on it' })),
  ];
  const blocking = findings.filter((finding) => finding.severity === 'blocking' && finding.evidence.trim() !== '');
  const holds = blocking.length === 0 && verdicts.every((verdict) => verdict.holds);
  const events: ReviewEvent[] = [
    { type: 'VerdictGiven', data: { ...named(subject), verdicts } },
    ...findings.map((finding): ReviewEvent => ({ type: 'FindingRaised', data: { ...named(subject), finding } })),
  ];
  if (holds) return accept(...events, end(subject, 'accepted'));
  if (round >= REVIEW_ROUNDS_MAX) {
    const reason = `its review did not come to an end in ${REVIEW_ROUNDS_MAX} review rounds; see its findings`;
    return accept(...events, escalated(subject, { failure_class: 'policy', reason }));
  }
  const failing = verdicts.filter(
    (verdict) => !verdict.holds && !blocking.some((finding) => finding.criterion_id === verdict.criterion_id),
  );
  const toMend = [
    ...blocking,
    ...failing.map((verdict): Finding => ({
      criterion_id: verdict.criterion_id,
      severity: 'blocking',
      statement: `criterion ${verdict.criterion_id} does not hold`,
      evidence: clipped(verdict.evidence),
    })),
  ];
  return accept(...events, end(subject, 'changes-requested'), {
    type: 'ChangesRequested',
    data: { ...named(subject), findings: toMend },
  });
}

function evolve(state: ReviewState, event: ReviewEvent): ReviewState {
  switch (event.type) {
    case 'ReviewStarted':
      return { status: 'reviewing', subject: event.data, round: state.status === 'concluded' ? state.round + 1 : 1 };
    case 'ReviewConcluded':
      return { status: 'concluded', attempt: event.data.attempt, round: state.status === 'reviewing' ? state.round : 1 };
    case 'VerdictGiven':
    case 'FindingRaised':
    case 'ChangesRequested':
      return state;
    default:
      return never(event);
  }
}

function waitingOn(state: ReviewState): Waiting | null {
  if (state.status !== 'reviewing') return null;
  const { task_id, attempt } = state.subject;
  return {
    on: 'work',
    owner: 'reviewer',
    work: 'review',
    reason: `attempt ${attempt} of task ${task_id} is reviewed (round ${state.round})`,
    next: 'another reviewer takes it over',
    key: `review-${attempt}`,
    after_ms: LEASE_MS,
  };
}

export const review: Decider<ReviewState, ReviewCommand, ReviewEvent> = {
  category: 'review',
  initial: { status: 'new' },
  decide,
  evolve,
  waitingOn,
};
