/**
 * The bus as data: streams, durable consumers, subjects. Provisioning creates exactly this, the NATS permissions are made
 * from it, and `docs/topology.md` is printed from it.
 */
import { describeEvent, type EventType } from './events.ts';
import type { BusUser, Principal, ServiceName } from './services.ts';

const kebab = (pascal: string): string => pascal.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase();

/** `baton.event.<aggregate>.<event>`; no ids, no versions: few subjects. */
export function subjectOf(type: EventType): string {
  return `baton.event.${describeEvent(type)!.category}.${kebab(type)}`;
}

export const EVENT_STREAM = 'BATON_EVENTS';
export const INBOUND_STREAM = 'BATON_INBOUND';

const DAY_MS = 24 * 3_600_000;
export const STREAMS = {
  /** A copy of the log: a message's sequence is its event's position. The relay trims what everybody has handled. */
  [EVENT_STREAM]: {
    subjects: ['baton.event.>'],
    // No age takes what nobody has handled yet, however long the services were down.
    max_age_ms: 0,
    max_bytes: 16 * 2 ** 30,
    max_msg_bytes: 512 * 1024,
    // Each is stored behind its predecessor or not at all: that finds every duplicate. For the window, nats-server keeps the
    // ids of all messages of that time in memory, and finds nothing more.
    duplicate_window_ms: 1_000,
    trimmed: true,
  },
  /**
   * What outsiders ask for; a request is kept for good once its owner has answered it with an event. When it is full, the
   * sender is refused and has to try again later.
   */
  [INBOUND_STREAM]: {
    subjects: ['baton.inbound.>'],
    max_age_ms: 14 * DAY_MS,
    max_bytes: 2 ** 30,
    max_msg_bytes: 256 * 1024,
    duplicate_window_ms: 120_000,
    trimmed: false,
  },
} as const;
export type StreamName = keyof typeof STREAMS;

/** Requests from outside: `baton.inbound.<service>.<name>`. The owner decides; nothing is promised before it did. */
export const INBOUND = {
  SubmitMission: { service: 'intake', subject: 'baton.inbound.intake.submit-mission' },
  CancelMission: { service: 'intake', subject: 'baton.inbound.intake.cancel-mission' },
  AnswerGate: { service: 'approval', subject: 'baton.inbound.approval.answer-gate' },
} as const satisfies Record<string, { service: ServiceName; subject: string }>;
export type InboundName = keyof typeof INBOUND;

/** CloudEvents type of a request as this release takes it; who does not say a type is taken to mean it. */
export const inboundType = (name: InboundName): string => `${INBOUND[name].subject}.v1`;
/** Whether a type is that of the same request in another version, which may mean something else by the same fields. */
export const isOtherVersion = (name: InboundName, type: string | undefined): boolean =>
  type?.startsWith(`${INBOUND[name].subject}.v`) === true && type !== inboundType(name);

/** `start` = pulled only while there is a free slot for long work; `react` = pulled as it comes. */
export type PullMode = 'react' | 'start';

interface ConsumerOf {
  readonly service: ServiceName & BusUser;
  readonly stream: StreamName;
  /** Event types (of the event stream) or names of inbound requests. */
  readonly takes: readonly string[];
  readonly pull: PullMode;
  readonly max_ack_pending: number;
}

const events = (service: ConsumerOf['service'], takes: readonly EventType[], pull: PullMode = 'react'): ConsumerOf => ({
  service,
  stream: EVENT_STREAM,
  takes,
  pull,
  max_ack_pending: 1_024,
});
const inbound = (service: ConsumerOf['service'], takes: readonly InboundName[]): ConsumerOf => ({
  service,
  stream: INBOUND_STREAM,
  takes,
  pull: 'react',
  max_ack_pending: 256,
});

/** Durable name → who pulls what. `reactions.spec.ts` holds this against the reactions. */
export const CONSUMERS = {
  'intake-react': events('intake', ['PlanFailed', 'ReleaseVerified', 'ReleaseFailed', 'ReleaseCancelled']),
  'intake-inbound': inbound('intake', ['SubmitMission', 'CancelMission']),
  'planner-react': events('planner', [
    'MissionAccepted',
    'MissionCancelRequested',
    'ReviewConcluded',
    'TaskBlocked',
    'TaskCancelled',
  ]),
  'executor-start': events('executor', ['TaskReady', 'ChangesRequested'], 'start'),
  'executor-control': events('executor', ['PlanFailed', 'PlanCancelRequested']),
  'reviewer-react': events('reviewer', ['AttemptSucceeded']),
  'approval-react': events('approval', ['ReleaseProposed', 'ReleaseFailed', 'ReleaseCancelled']),
  'approval-inbound': inbound('approval', ['AnswerGate']),
  'release-react': events('release', ['PlanCompleted', 'PlanCancelled', 'GatePassed', 'ApprovalDenied', 'GateExpired']),
} as const satisfies Record<string, ConsumerOf>;
export type ConsumerName = keyof typeof CONSUMERS;

/**
 * How long a delivery may stay unsettled before it is delivered again. Long work never holds one (leases do). What a process
 * that died had in hand waits this long, and missions have to be over that within ten seconds.
 */
export const ACK_WAIT_MS = 5_000;
/** After this many deliveries the message is dead-lettered, and tried once more alone: also the way out for one that kills its process. */
export const DELIVERIES_MAX = 8;

/** The subjects that a consumer is filtered to. */
export function filterSubjects(name: ConsumerName): readonly string[] {
  const consumer: ConsumerOf = CONSUMERS[name];
  return consumer.takes.map((take) =>
    consumer.stream === EVENT_STREAM ? subjectOf(take as EventType) : INBOUND[take as InboundName].subject,
  );
}

export const consumersOf = (service: Principal): readonly ConsumerName[] =>
  (Object.keys(CONSUMERS) as ConsumerName[]).filter((name) => CONSUMERS[name].service === service);
