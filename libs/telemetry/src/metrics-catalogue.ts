/**
 * Every metric of Baton, declared once: dashboards, alerts and docs are checked against this list.
 * Names: `baton_`, base units, `_total` for counters. Labels have few values: never an id, a path or a person.
 *
 * `source: 'process'` is counted by the process where it happens. `source: 'fold'` is folded from the log by the metrics
 * service and read at scrape time, so that a replayed or redelivered event is never counted twice.
 */
export interface MetricDefinition {
  readonly name: `baton_${string}`;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly source: 'process' | 'fold';
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, in the base unit. */
  readonly buckets?: readonly number[];
}

/** From a cached decision (0.1 ms) to a delivery that is about to be given up (30 s). */
const HANDLING_BUCKETS_S = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];
/** From a script (0.1 s) to an agent's day. */
const WORK_BUCKETS_S = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 1_800, 3_600, 4 * 3_600, 24 * 3_600];
/** From a demo (1 s) to the longest mission (30 days). */
const MISSION_BUCKETS_S = [
  1,
  5,
  15,
  60,
  300,
  900,
  3_600,
  4 * 3_600,
  12 * 3_600,
  24 * 3_600,
  3 * 24 * 3_600,
  7 * 24 * 3_600,
  30 * 24 * 3_600,
];
const GROUP_BUCKETS = [1, 2, 5, 10, 25, 50, 100, 250, 500];
const ROUND_BUCKETS = [1, 2, 3, 5, 10];

export const CATALOGUE = {
  deliveries: {
    name: 'baton_deliveries_total',
    help: 'Deliveries from the bus that were settled, by what became of them (ack, nak, dead-letter, discarded).',
    type: 'counter',
    source: 'process',
    labels: ['consumer', 'result'],
  },
  handling_seconds: {
    name: 'baton_handling_seconds',
    help: 'Time from the receipt of a delivery until it may be settled: load, decide, append.',
    type: 'histogram',
    source: 'process',
    labels: ['consumer'],
    buckets: HANDLING_BUCKETS_S,
  },
  appended_events: {
    name: 'baton_appended_events_total',
    help: 'Events this process appended to the log, by stream category.',
    type: 'counter',
    source: 'process',
    labels: ['category'],
  },
  append_group_size: {
    name: 'baton_append_group_size',
    help: 'Appends that shared one transaction (group commit).',
    type: 'histogram',
    source: 'process',
    labels: [],
    buckets: GROUP_BUCKETS,
  },
  refusals: {
    name: 'baton_refusals_total',
    help: 'Commands that a decider refused, by its reason.',
    type: 'counter',
    source: 'process',
    labels: ['reason'],
  },
  work_running: {
    name: 'baton_work_running',
    help: 'Pieces of long work (attempts, reviews, integrations) that run in this process now.',
    type: 'gauge',
    source: 'process',
    labels: ['kind'],
  },
  slots_full: {
    name: 'baton_slots_full',
    help: '1 while this process runs as much long work as it may: what is due waits until some of it ends.',
    type: 'gauge',
    source: 'process',
    labels: [],
  },
  work_seconds: {
    name: 'baton_work_seconds',
    help: 'How long a piece of long work took, by how it ended.',
    type: 'histogram',
    source: 'process',
    labels: ['kind', 'outcome'],
    buckets: WORK_BUCKETS_S,
  },
  work_taken_over: {
    name: 'baton_work_taken_over_total',
    help: 'Reviews, integrations and landings whose lease ran out, and that this process took over. Attempts are counted by their outcome.',
    type: 'counter',
    source: 'process',
    labels: ['kind'],
  },
  dead_letters: {
    name: 'baton_dead_letters',
    help: 'Dead letters that nobody has replayed or discarded yet, as the database has them.',
    type: 'gauge',
    source: 'process',
    labels: ['consumer', 'reason'],
  },
  deadlines_overdue: {
    name: 'baton_deadlines_overdue',
    help: 'Deadlines that are due and that the service they belong to has not taken over yet.',
    type: 'gauge',
    source: 'process',
    labels: ['owner'],
  },
  log_head_position: {
    name: 'baton_log_head_position',
    help: 'Position of the last event in the log.',
    type: 'gauge',
    source: 'process',
    labels: [],
  },
  relay_published_position: {
    name: 'baton_relay_published_position',
    help: 'Position of the last event the relay has published; the head minus this is the lag.',
    type: 'gauge',
    source: 'process',
    labels: [],
  },
  relay_published_events: {
    name: 'baton_relay_published_events_total',
    help: 'Events this relay has published to the bus.',
    type: 'counter',
    source: 'process',
    labels: [],
  },
  relay_halted: {
    name: 'baton_relay_halted',
    help: '1 while the relay refuses to publish because bus and log contradict each other.',
    type: 'gauge',
    source: 'process',
    labels: [],
  },
  stream_fill: {
    name: 'baton_stream_fill_ratio',
    help: 'Share of its size limit that a stream of the bus takes, as the relay that leads saw it last; a full one refuses what is new.',
    type: 'gauge',
    source: 'process',
    labels: ['stream'],
  },
  bus_unsynced: {
    name: 'baton_bus_unsynced',
    help: '1 while a nats-server says that it acknowledges messages before they are on disk, and nobody has accepted that.',
    type: 'gauge',
    source: 'process',
    labels: [],
  },
  sealed_position: {
    name: 'baton_sealed_position',
    help: 'Position up to which the log is covered by a signed checkpoint outside the database.',
    type: 'gauge',
    source: 'process',
    labels: [],
  },
  sealed_at_seconds: {
    name: 'baton_sealed_at_seconds',
    help: 'Unix time at which everything in the log was last found to be covered by a checkpoint, or was sealed.',
    type: 'gauge',
    source: 'process',
    labels: [],
  },
  sealer_refusing: {
    name: 'baton_sealer_refusing',
    help: '1 while no checkpoint is signed because the log does not go on where the last one was.',
    type: 'gauge',
    source: 'process',
    labels: [],
  },
  ready: {
    name: 'baton_ready',
    help: '1 while this process is ready and reaches everything that it works with.',
    type: 'gauge',
    source: 'process',
    labels: [],
  },
  sweep_failures: {
    name: 'baton_sweep_failures_total',
    help: 'Rounds of the sweep, and single deadlines within one, that failed; they are tried again. Of metrics: reads of the log.',
    type: 'counter',
    source: 'process',
    labels: [],
  },

  missions: {
    name: 'baton_missions',
    help: 'Missions by where they stand now.',
    type: 'gauge',
    source: 'fold',
    labels: ['status'],
  },
  missions_ended: {
    name: 'baton_missions_total',
    help: 'Missions that have ended, by outcome and failure class (none, transient, semantic, policy).',
    type: 'counter',
    source: 'fold',
    labels: ['outcome', 'failure_class'],
  },
  mission_lead_time_seconds: {
    name: 'baton_mission_lead_time_seconds',
    help: 'From the acceptance of a mission to its completion.',
    type: 'histogram',
    source: 'fold',
    labels: [],
    buckets: MISSION_BUCKETS_S,
  },
  attempts: {
    name: 'baton_attempts_total',
    help: 'Attempts at tasks that have ended, by outcome and failure class.',
    type: 'counter',
    source: 'fold',
    labels: ['outcome', 'failure_class'],
  },
  step_seconds: {
    name: 'baton_step_seconds',
    help: 'How long each step took: planning, execution, review, integration, approval, landing.',
    type: 'histogram',
    source: 'fold',
    labels: ['step'],
    buckets: MISSION_BUCKETS_S,
  },
  delayed: {
    name: 'baton_delayed',
    help: 'Attempts, integrations and landings that wait because what they need is out of reach; they are tried again by themselves.',
    type: 'gauge',
    source: 'fold',
    labels: ['step'],
  },
  review_rounds: {
    name: 'baton_review_rounds',
    help: 'Reviews a task went through until it was concluded for good.',
    type: 'histogram',
    source: 'fold',
    labels: [],
    buckets: ROUND_BUCKETS,
  },
  gates: {
    name: 'baton_gates_total',
    help: 'Gates that were decided, by tier and outcome.',
    type: 'counter',
    source: 'fold',
    labels: ['tier', 'outcome'],
  },
  gates_open: {
    name: 'baton_gates_open',
    help: 'Gates that wait for the decision of a person now.',
    type: 'gauge',
    source: 'fold',
    labels: [],
  },
  oldest_gate_opened_seconds: {
    name: 'baton_oldest_gate_opened_seconds',
    help: 'Unix time at which the gate was opened that has waited longest for a person; absent while none waits.',
    type: 'gauge',
    source: 'fold',
    labels: [],
  },
  mission_recovery_seconds: {
    name: 'baton_mission_recovery_seconds',
    help: 'Time to recovery: from the first failed or lost attempt at a task to its next success.',
    type: 'histogram',
    source: 'fold',
    labels: [],
    buckets: MISSION_BUCKETS_S,
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricKey = keyof typeof CATALOGUE;
type Declared = typeof CATALOGUE;
export type KeyWhere<Field extends 'type' | 'source', Value extends MetricDefinition[Field]> = {
  [K in MetricKey]: Declared[K] extends Record<Field, Value> ? K : never;
}[MetricKey];
export type LabelsOf<K extends MetricKey> = Declared[K]['labels'][number];
