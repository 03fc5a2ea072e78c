export { actorSchema, metaSchema, sealedSchema, type Actor, type EventMeta, type NewEvent, type Sealed, type StoredEvent } from './envelope.ts';
export { AUDITOR_ROLE, SERVICES, SERVICE_NAMES, categoryOf, roleOf, type ServiceName } from './services.ts';
export {
  LIMITS, RISKS, agentSchema, checkSchema, criterionSchema, faultSchema, missionContractSchema, pathPatternSchema, repositorySchema,
  type Agent, type Check, type Criterion, type Fault, type MissionContract, type Repository,
} from './mission.ts';
export {
  FAILURE_CLASSES, agentResultSchema, changeSchema, digestSchema, findingSchema, receiptSchema, taskEnvelopeSchema, taskSchema, treeSchema, workspaceBaseSchema,
  type AgentResult, type Change, type FailureClass, type Finding, type Receipt, type Task, type TaskEnvelope, type WorkspaceBase,
} from './task.ts';
export {
  EVENTS, EVENT_TYPES, TIERS, cardSchema, deliverySchema, describeEvent, policyRefSchema,
  type BatonEvent, type Card, type Category, type DataOf, type Delivery, type EventType, type GateEvent, type MissionEvent, type PlanEvent,
  type PolicyRef, type ReleaseEvent, type ReviewEvent, type TaskEvent, type Tier,
} from './events.ts';
export { UnreadableEvent, parseData, parseStored, type EventRecord } from './record.ts';
export {
  ACK_WAIT_MS, CONSUMERS, DELIVERIES_MAX, EVENT_STREAM, INBOUND, INBOUND_STREAM, STREAMS, consumersOf, filterSubjects, subjectOf,
  type ConsumerName, type InboundName, type StreamName,
} from './topology.ts';
export { IDEMPOTENCY_KEY_CHARS_MAX, answerGateSchema, cancelMissionSchema, submitMissionSchema, type AnswerGate, type CancelMission, type SubmitMission } from './inbound.ts';
export { canonicalJson } from './canonical-json.ts';
