export {
  metaSchema,
  type Actor,
  type EventMeta,
  type NewEvent,
  type Sealed,
  type StoredEvent,
  type ToldEvent,
} from './envelope.ts';
export {
  AUDITOR_ROLE,
  PRINCIPALS,
  PRIVILEGES,
  SERVICES,
  SERVICE_NAMES,
  categoryOf,
  roleOf,
  type BusRight,
  type Principal,
  type Privileges,
  type ServiceName,
  type Table,
} from './services.ts';
export { CONTRACT_BYTES_MAX, EVENT_DATA_BYTES_MAX, FILES_BYTES_MAX, TASK_BYTES_MAX, jsonBytes } from './event-bytes.ts';
export {
  LIMITS,
  criterionSchema,
  isOwnVariable,
  missionContractSchema,
  type Agent,
  type Check,
  type Criterion,
  type Fault,
  type MissionContract,
  type Repository,
} from './mission.ts';
export { nameOnAnySystem, pathMatcher, pathPatternSchema, patternFault, saysOneThing } from './path-pattern.ts';
export {
  FAILURE_CLASSES,
  agentResultSchema,
  changeSchema,
  findingSchema,
  receiptSchema,
  taskSchema,
  type AgentResult,
  type Change,
  type FailureClass,
  type Finding,
  type Receipt,
  type SandboxMode,
  type Task,
  type TaskEnvelope,
  type WorkspaceBase,
} from './task.ts';
export {
  EVENTS,
  EVENT_TYPES,
  describeEvent,
  policyRefSchema,
  type BatonEvent,
  type Card,
  type Category,
  type DataOf,
  type Delivery,
  type EventType,
  type GateEvent,
  type MissionEvent,
  type PlanEvent,
  type PolicyRef,
  type ReleaseEvent,
  type ReviewEvent,
  type TaskEvent,
  type Tier,
} from './events.ts';
export { UnreadableEvent, parseData, parseStored, type EventRecord } from './record.ts';
export {
  ACK_WAIT_MS,
  CONSUMERS,
  DELIVERIES_MAX,
  EVENT_STREAM,
  INBOUND,
  INBOUND_STREAM,
  STREAMS,
  consumersOf,
  filterSubjects,
  inboundType,
  isOtherVersion,
  subjectOf,
  type ConsumerName,
  type InboundName,
  type PullMode,
  type StreamName,
} from './topology.ts';
export {
  IDEMPOTENCY_KEY_CHARS_MAX,
  answerGateSchema,
  cancelMissionSchema,
  missionIdSchema,
  submitMissionSchema,
  type AnswerGate,
  type CancelMission,
  type SubmitMission,
} from './inbound.ts';
export { canonicalJson } from './canonical-json.ts';
export { decodeHeaderText, encodeHeaderText } from './header-text.ts';
export { printable, printableJson } from './printable.ts';
export { UnfitJson, readOutsideJson } from './outside-json.ts';
