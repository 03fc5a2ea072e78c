/**
 * Who may do what: the one matrix from which the Postgres grants, the NATS permissions and the Kubernetes network policies
 * are made, and `docs/privileges.md` is printed. What is not listed here is denied.
 */
export type Table = 'events' | 'log_head' | 'watermarks' | 'deadlines' | 'leases' | 'dead_letters' | 'writer_grant' | 'artifacts';

/** Rights on the bus; `libs/bus/src/permissions.ts` says which subjects each is. */
export type BusRight =
  /** Takes from and settles for its own durable consumers, and nobody else's. */
  | 'pull-own'
  /** The only one who writes events. */
  | 'publish-events'
  /** Removes from the bus what every service has handled; the log keeps it. */
  | 'trim-events'
  | 'publish-inbound'
  /** Single messages by their number: leaves nothing behind on the server and takes nothing from anybody. */
  | 'read-events'
  /** A plain subscription to what happens as it happens. */
  | 'watch-events'
  /** Makes streams and consumers that are missing, but cannot change or remove a stream. */
  | 'make-topology'
  | 'change-topology'
  /** Asks the servers how they are set up: whether what they acknowledge is on disk. */
  | 'ask-settings';

export interface Privileges {
  /** Categories of streams: the part of a stream's name before the first dash, `mission` of `mission-<id>`. */
  readonly appends: readonly string[];
  /** Tables it may SELECT from. Nobody may do anything else to a table. */
  readonly reads: readonly Table[];
  /** Functions of the schema `baton`; each looks itself at whose stream, lease or consumer it is called for. */
  readonly calls: readonly string[];
  readonly bus: readonly BusRight[];
  /** What its pods may connect to; services never reach each other. */
  readonly reaches: readonly ('log' | 'bus' | 'traces' | 'repositories')[];
  /** Who may connect to its HTTP port. */
  readonly serves: readonly ('clients' | 'monitoring')[];
}

// Numbers, and nothing of what they count.
const POSITIONS = ['log_head', 'watermarks'] as const;
const DECIDES = ['append', 'load_stream', 'claim_due', 'extend_deadline', 'clear_deadline', 'holders', 'let_go'] as const;
const CONSUMES = [
  'advance_watermark',
  'lower_watermark',
  'park',
  'is_parked',
  'put_aside',
  'find_dead_letter',
  'count_dead_letters',
  'list_dead_letters',
  'settle_dead_letter',
] as const;
const LEASES = ['acquire_lease', 'renew_lease', 'release_lease'] as const;

const DECIDER = {
  reads: POSITIONS,
  calls: [...DECIDES, ...CONSUMES],
  bus: ['pull-own'],
  reaches: ['log', 'bus', 'traces'],
  serves: ['monitoring'],
} as const;
/** Clones repositories, runs commands in them, and hands results on by digest. */
const WORKER = {
  ...DECIDER,
  reads: [...POSITIONS, 'artifacts'],
  calls: [...DECIDER.calls, 'put_artifact'],
  reaches: ['log', 'bus', 'traces', 'repositories'],
} as const;
const EDGE = ['clients', 'monitoring'] as const;

export const SERVICES = {
  intake: { ...DECIDER, appends: ['mission'], serves: EDGE },
  planner: { ...DECIDER, appends: ['plan'] },
  executor: { ...WORKER, appends: ['task'] },
  // Looks at what others have put.
  reviewer: { ...WORKER, appends: ['review'], calls: DECIDER.calls },
  approval: { ...DECIDER, appends: ['gate'], reads: [...POSITIONS, 'artifacts'], serves: EDGE },
  release: { ...WORKER, appends: ['release'], calls: [...WORKER.calls, ...LEASES] },
  metrics: {
    ...DECIDER,
    appends: [],
    reads: [...POSITIONS, 'events', 'deadlines', 'leases', 'dead_letters'],
    calls: ['load_stream', 'count_dead_letters', 'list_dead_letters'],
    // It folds what the log holds, and nothing that anybody says.
    bus: [],
    reaches: ['log', 'traces'],
  },
  relay: {
    ...DECIDER,
    appends: [],
    reads: [...POSITIONS, 'events'],
    calls: [...LEASES, 'news_channel'],
    bus: ['publish-events', 'trim-events', 'read-events', 'make-topology', 'ask-settings'],
  },
} as const satisfies Record<string, Privileges>;

export type ServiceName = keyof typeof SERVICES;
export const SERVICE_NAMES = Object.keys(SERVICES) as readonly ServiceName[];

const NOTHING = { appends: [], reads: [], calls: [], bus: [], reaches: [], serves: [] } as const;

/** Those who are no service. */
export const OTHERS = {
  /** Reads everything, writes nothing: `baton timeline`, `baton verify`, people who check. */
  auditor: {
    ...NOTHING,
    reads: [...POSITIONS, 'events', 'deadlines', 'leases', 'dead_letters', 'writer_grant', 'artifacts'],
    calls: ['load_stream', 'find_dead_letter', 'count_dead_letters', 'list_dead_letters'],
  },
  /** Creates and updates streams and consumers; for operators and deployment, not for running. */
  provisioner: { ...NOTHING, bus: ['change-topology', 'ask-settings'], reaches: ['log', 'bus'] },
  /** People and programs outside: ask by inbound event, and watch. */
  cli: { ...NOTHING, bus: ['publish-inbound', 'read-events', 'watch-events'] },
} as const satisfies Record<string, Privileges>;

export type Principal = ServiceName | keyof typeof OTHERS;
const MATRIX = { ...SERVICES, ...OTHERS };
export const PRIVILEGES: Readonly<Record<Principal, Privileges>> = MATRIX;
export const PRINCIPALS = Object.keys(PRIVILEGES) as readonly Principal[];

/** Who has rights on the bus; the others have no user there, and do not connect. */
export type BusUser = { [Name in Principal]: (typeof MATRIX)[Name]['bus'] extends readonly [] ? never : Name }[Principal];
export const isBusUser = (principal: Principal): principal is BusUser => PRIVILEGES[principal].bus.length > 0;
export const BUS_USERS = PRINCIPALS.filter(isBusUser);

/** The Postgres login role and the NATS user of a service have the same name. */
export const roleOf = (principal: Principal): string => `baton_${principal}`;
export const AUDITOR_ROLE = roleOf('auditor');

export const categoryOf = (stream: string): string => stream.slice(0, Math.max(0, stream.indexOf('-')));
