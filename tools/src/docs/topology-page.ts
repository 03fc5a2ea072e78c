// docs/topology.md: what is on the bus, and who may do what on it and in the database.
import {
  ACK_WAIT_MS,
  CONSUMERS,
  DELIVERIES_MAX,
  EVENT_TYPES,
  INBOUND,
  SERVICES,
  STREAMS,
  filterSubjects,
  roleOf,
  subjectOf,
  type ConsumerName,
  type ServiceName,
} from '@baton/contracts';
import { BUS_USERS, permissionsOf } from '@baton/bus';
import { FUNCTION_CALLERS, LOGIN_ROLES, TABLE_READERS } from '@baton/event-store';
import { GENERATED, bytes, code, duration, table } from './markdown.ts';

type Consumer = {
  readonly service: string;
  readonly stream: string;
  readonly takes: readonly string[];
  readonly pull: string;
  readonly max_ack_pending: number;
};

export function topologyPage(): string {
  return [
    '# Topology',
    '',
    GENERATED('libs/contracts/src/topology.ts, libs/bus/src/permissions.ts and libs/event-store/src/grants.ts'),
    '',
    ...streams(),
    ...subjects(),
    ...consumers(),
    ...busPermissions(),
    ...databaseGrants(),
  ].join('\n');
}

const streams = (): string[] => [
  '## Streams',
  '',
  ...table(
    ['stream', 'subjects', 'keeps', 'at most', 'message at most', 'duplicates found within'],
    Object.entries(STREAMS).map(([name, stream]) => [
      code(name),
      stream.subjects.map(code).join(', '),
      duration(stream.max_age_ms),
      bytes(stream.max_bytes),
      bytes(stream.max_msg_bytes),
      duration(stream.duplicate_window_ms),
    ]),
  ),
  '',
  'A message of `BATON_EVENTS` has the sequence that its event has as position in the log. A full stream refuses what is new;',
  'messages can neither be deleted nor purged.',
  '',
];

const subjects = (): string[] => [
  '## Subjects',
  '',
  'Events (`baton.event.<category>.<event>`), published by the relay only:',
  '',
  ...EVENT_TYPES.map((type) => `- ${code(subjectOf(type))}`),
  '',
  'Requests from outside (`baton.inbound.<service>.<name>`), decided by the service in their name:',
  '',
  ...table(
    ['request', 'subject', 'decided by'],
    Object.entries(INBOUND).map(([name, { subject, service }]) => [name, code(subject), service]),
  ),
  '',
];

const consumers = (): string[] => [
  '## Durable consumers',
  '',
  `Pull consumers with explicit acknowledgement. A delivery that stays unsettled for ${duration(ACK_WAIT_MS)} is delivered again, without limit; from`,
  `delivery ${String(DELIVERIES_MAX + 1)} on the service that pulls it dead-letters it instead of handling it. \`react\` is pulled as it comes, \`start\` only while`,
  'there is a free slot for long work.',
  '',
  ...table(
    ['durable', 'service', 'stream', 'pulled', 'unsettled at most', 'filter'],
    (Object.entries(CONSUMERS) as [ConsumerName, Consumer][]).map(([name, { service, stream, pull, max_ack_pending }]) => [
      code(name),
      service,
      code(stream),
      pull,
      String(max_ack_pending),
      filterSubjects(name)?.map(code).join(', ') ?? 'everything',
    ]),
  ),
  '',
];

const busPermissions = (): string[] => [
  '## Who may do what on the bus',
  '',
  'Each user logs in with an nkey of its own. Whatever is not listed is denied. From this the one `deploy/nats/nats.conf` is made.',
  '',
  ...table(
    ['user', 'may publish to', 'may subscribe to'],
    BUS_USERS.map((user) => {
      const { publish, subscribe } = permissionsOf(user);
      return [user, publish.map(code).join('<br>'), subscribe.map(code).join('<br>')];
    }),
  ),
  '',
];

function databaseGrants(): string[] {
  const tables = Object.keys(TABLE_READERS);
  const functions = Object.keys(FUNCTION_CALLERS);
  const mark = (granted: readonly string[] | undefined, role: string): string => (granted?.includes(role) === true ? 'yes' : '');
  const matrix = (names: readonly string[], granted: Readonly<Record<string, readonly string[]>>): string[] =>
    table(
      ['', ...LOGIN_ROLES.map(code)],
      names.map((name) => [code(name), ...LOGIN_ROLES.map((role) => mark(granted[name], role))]),
    );
  return [
    '## Who may do what in Postgres',
    '',
    'Every service logs in with a role of its own. Nobody has INSERT, UPDATE, DELETE or TRUNCATE on any table: the only way to write',
    'is a function, and it looks at whose stream, lease or consumer it is. `append` takes these categories of streams from these roles:',
    '',
    ...table(
      ['role', 'appends to'],
      (Object.keys(SERVICES) as ServiceName[]).map((name) => [
        code(roleOf(name)),
        SERVICES[name].appends.map((category) => code(`${category}-…`)).join(', ') || 'nothing',
      ]),
    ),
    '',
    'SELECT on tables of the schema `baton`:',
    '',
    ...matrix(tables, TABLE_READERS),
    '',
    'EXECUTE on functions of the schema `baton`:',
    '',
    ...matrix(functions, FUNCTION_CALLERS),
    '',
  ];
}
