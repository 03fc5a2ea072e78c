export { isStoreAway, type ArtifactStore } from './artifact-store.ts';
export type {
  Append,
  Appended,
  DeadLetter,
  DeadLetters,
  DueDeadline,
  EventLog,
  Head,
  KeptDeadLetter,
  Leases,
  NewDeadline,
  PutAside,
  RecordedEvent,
  Watermarks,
} from './event-log.ts';
export type { Delivery, EventDelivery, InboundDelivery, Settlement } from './delivery.ts';
export type { AgentOutcome, AgentRuntime } from './agent-runtime.ts';
export type { Landing, Workspace, WorkspaceProblem, WorkspaceProvider } from './workspace.ts';
export { FAILPOINT_PATTERN, FAILPOINTS, armFailpoint, failpoint, type Failpoint } from './failpoint.ts';
export type { GateDecision, GateInput, Policy } from './policy.ts';
