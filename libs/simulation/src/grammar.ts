/** Which event may follow which in a stream, said a second time and without the deciders: history that reads otherwise is wrong. */
import type { EventType } from '@baton/contracts';

/** `nothing` = the beginning of the stream. */
const FOLLOWS: Readonly<Record<EventType, readonly (EventType | 'nothing')[]>> = {
  MissionAccepted: ['nothing', 'MissionRejected'],
  MissionRejected: ['nothing', 'MissionRejected'],
  MissionCancelRequested: ['MissionAccepted'],
  MissionCancelled: ['MissionAccepted', 'MissionCancelRequested'],
  MissionCompleted: ['MissionAccepted', 'MissionCancelRequested', 'MissionCancelled'],
  MissionFailed: ['MissionAccepted'],

  PlanningStarted: ['nothing'],
  PlanProposed: ['PlanningStarted'],
  TaskReady: ['PlanProposed', 'TaskReady', 'TaskAccepted'],
  TaskAccepted: ['TaskReady', 'TaskAccepted'],
  PlanCompleted: ['TaskAccepted'],
  PlanFailed: ['PlanningStarted', 'TaskReady', 'TaskAccepted'],
  PlanCancelRequested: ['TaskReady', 'TaskAccepted'],
  TaskStopped: ['PlanCancelRequested', 'TaskStopped'],
  PlanCancelled: ['nothing', 'PlanCancelRequested', 'TaskStopped', 'PlanCompleted'],

  AttemptStarted: ['nothing', 'RetryScheduled', 'AttemptSucceeded'],
  AttemptSucceeded: ['AttemptStarted'],
  AttemptFailed: ['AttemptStarted'],
  AttemptLost: ['AttemptStarted'],
  RetryScheduled: ['AttemptFailed', 'AttemptLost'],
  TaskBlocked: ['AttemptFailed', 'AttemptLost'],
  TaskCancelled: ['nothing', 'AttemptStarted', 'RetryScheduled', 'AttemptSucceeded'],

  ReviewStarted: ['nothing', 'ReviewConcluded', 'ChangesRequested'],
  VerdictGiven: ['ReviewStarted'],
  FindingRaised: ['ReviewStarted', 'VerdictGiven', 'FindingRaised'],
  ReviewConcluded: ['VerdictGiven', 'FindingRaised'],
  ChangesRequested: ['ReviewConcluded'],

  GateOpened: ['nothing'],
  GatePassed: ['nothing', 'ApprovalGranted'],
  ApprovalGranted: ['GateOpened'],
  ApprovalDenied: ['GateOpened'],
  GateExpired: ['GateOpened'],
  GateSuperseded: ['GateOpened'],

  IntegrationStarted: ['nothing', 'TargetMoved'],
  IntegrationTested: ['IntegrationStarted', 'ReleaseResumed'],
  ReleaseProposed: ['IntegrationTested'],
  ReleaseQueued: ['IntegrationTested', 'ReleaseProposed'],
  ReleaseCancelRequested: ['ReleaseQueued', 'ReleaseDelayed', 'ReleaseResumed'],
  ReleaseDelayed: ['IntegrationStarted', 'ReleaseQueued', 'ReleaseCancelRequested', 'ReleaseResumed'],
  ReleaseResumed: ['ReleaseDelayed'],
  TargetMoved: ['ReleaseQueued', 'ReleaseCancelRequested', 'ReleaseResumed'],
  ReleaseLanded: ['ReleaseQueued', 'ReleaseCancelRequested', 'ReleaseDelayed', 'ReleaseResumed'],
  ReleaseVerified: ['ReleaseLanded'],
  ReleaseFailed: [
    'IntegrationStarted',
    'IntegrationTested',
    'ReleaseProposed',
    'ReleaseQueued',
    'ReleaseCancelRequested',
    'ReleaseResumed',
    'TargetMoved',
  ],
  ReleaseCancelled: [
    'nothing',
    'IntegrationStarted',
    'ReleaseProposed',
    'TargetMoved',
    'ReleaseDelayed',
    'ReleaseResumed',
    'ReleaseCancelRequested',
  ],
};

/** These never stand last: what follows them is in the same append. */
const HALVES: readonly EventType[] = [
  'PlanningStarted',
  'PlanProposed',
  'AttemptFailed',
  'AttemptLost',
  'VerdictGiven',
  'FindingRaised',
  'ApprovalGranted',
  'IntegrationTested',
  'TargetMoved',
  'ReleaseLanded',
];

export const mayFollow = (type: EventType, before: EventType | null): boolean => FOLLOWS[type].includes(before ?? 'nothing');
export const isHalf = (type: EventType): boolean => HALVES.includes(type);
