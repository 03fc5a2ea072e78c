/** Who may do what on the bus, made from the same data as the streams and consumers: nothing else is granted to anybody. */
import {
  CONSUMERS,
  EVENT_STREAM,
  INBOUND_STREAM,
  SERVICE_NAMES,
  STREAMS,
  consumersOf,
  type ConsumerName,
  type ServiceName,
} from '@baton/contracts';

/** Creates and updates streams and consumers; for operators and deployment, not for running. */
export const PROVISIONER = 'provisioner';
/** People and programs outside: ask by inbound event, and watch. */
export const CLI = 'cli';
export const BUS_USERS = [...SERVICE_NAMES, PROVISIONER, CLI] as const;
export type BusUser = ServiceName | typeof PROVISIONER | typeof CLI;

export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** The environment variable that holds the public nkey of a user. */
export const nkeyVariable = (user: BusUser): string => `BATON_NKEY_${user.toUpperCase().replaceAll('-', '_')}`;

function pulling(name: ConsumerName): string[] {
  const { stream } = CONSUMERS[name];
  return [
    `$JS.API.CONSUMER.INFO.${stream}.${name}`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`,
    `$JS.ACK.${stream}.${name}.>`,
    // Newer servers put domain and account before the stream.
    `$JS.ACK.*.*.${stream}.${name}.>`,
  ];
}

const STREAM_NAMES = Object.keys(STREAMS);

/** The only one who writes events. It makes streams and consumers that are missing, but cannot change or remove any stream. */
const relay = (): string[] => [
  ...STREAMS[EVENT_STREAM].subjects,
  ...STREAM_NAMES.flatMap((stream) => [
    `$JS.API.STREAM.INFO.${stream}`,
    `$JS.API.STREAM.CREATE.${stream}`,
    `$JS.API.CONSUMER.INFO.${stream}.*`,
    `$JS.API.CONSUMER.CREATE.${stream}.>`,
    `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.*`,
  ]),
  `$JS.API.DIRECT.GET.${EVENT_STREAM}`,
];

const provisioner = (): string[] => [
  '$JS.API.INFO',
  ...STREAM_NAMES.flatMap((stream) => [
    ...['INFO', 'CREATE', 'UPDATE', 'DELETE'].map((verb) => `$JS.API.STREAM.${verb}.${stream}`),
    ...['INFO', 'DELETE'].map((verb) => `$JS.API.CONSUMER.${verb}.${stream}.*`),
    `$JS.API.CONSUMER.CREATE.${stream}.>`,
    `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.*`,
    `$JS.API.CONSUMER.LIST.${stream}`,
    `$JS.API.CONSUMER.NAMES.${stream}`,
  ]),
];

/** Reads the events through direct gets, which leave nothing behind on the server and take nothing from anybody. */
const cli = (): string[] => [
  ...STREAMS[INBOUND_STREAM].subjects,
  `$JS.API.STREAM.INFO.${EVENT_STREAM}`,
  `$JS.API.DIRECT.GET.${EVENT_STREAM}`,
  `$JS.API.DIRECT.GET.${EVENT_STREAM}.>`,
];

export function permissionsOf(user: BusUser): Permissions {
  const publish =
    user === 'relay'
      ? relay()
      : user === PROVISIONER
        ? provisioner()
        : user === CLI
          ? cli()
          : // The last sequence of the stream is needed to know how far an idle consumer has come.
            [...consumersOf(user).flatMap(pulling), `$JS.API.STREAM.INFO.${EVENT_STREAM}`];
  // Outsiders may listen to what happens as it happens; a plain subscription leaves nothing behind on the server either.
  const events = user === CLI ? STREAMS[EVENT_STREAM].subjects : [];
  return { publish, subscribe: [`_INBOX_${user}.>`, ...events] };
}
