// docs/topology.md: what is on the bus. Who may do what is on the page of privileges.
import {
  ACK_WAIT_MS,
  CONSUMERS,
  DELIVERIES_MAX,
  EVENT_TYPES,
  INBOUND,
  STREAMS,
  filterSubjects,
  subjectOf,
  type ConsumerName,
} from '@baton/contracts';
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
    GENERATED('libs/contracts/src/topology.ts'),
    '',
    'Who may do what here and in the database: [privileges](privileges.md).',
    '',
    ...streams(),
    ...subjects(),
    ...consumers(),
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
      stream.max_age_ms === 0 ? 'until handled' : duration(stream.max_age_ms),
      bytes(stream.max_bytes),
      bytes(stream.max_msg_bytes),
      duration(stream.duplicate_window_ms),
    ]),
  ),
  '',
  'A message of `BATON_EVENTS` has the sequence that its event has as position in the log. From half its limit on, the relay trims what every',
  'service has handled ([0021](adr/0021-the-bus-is-trimmed.md)); nobody else can, and no message can be deleted singly. A full stream refuses what is new: the',
  'relay waits, and whoever asks from outside is refused and asks again later.',
  '',
];

const subjects = (): string[] => [
  '## Subjects',
  '',
  'Events (`baton.event.<category>.<event>`), published by the relay only:',
  '',
  ...EVENT_TYPES.map((type) => `- ${code(subjectOf(type))}`),
  '',
  'Requests from outside (`baton.inbound.<service>.<name>`), decided by the service in their name; what to send is on the page of [requests](requests.md):',
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
  `delivery ${String(DELIVERIES_MAX + 1)} on the service that pulls it dead-letters it first, then tries it once more, alone. \`react\` is pulled as it comes, \`start\` only while`,
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
      filterSubjects(name).map(code).join(', '),
    ]),
  ),
  '',
];
