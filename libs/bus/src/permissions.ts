/** Which subjects each right on the bus is; who has which is said by the matrix of the contracts, and nothing else is granted to anybody. */
import {
  CONSUMERS,
  EVENT_STREAM,
  INBOUND_STREAM,
  PRIVILEGES,
  STREAMS,
  consumersOf,
  type BusRight,
  type BusUser,
  type ConsumerName,
} from '@baton/contracts';

/** Answered by every server of the cluster, from the system account, which lends this one question to ours. */
export const SETTINGS_SUBJECT = '$SYS.REQ.SERVER.PING.VARZ';

export const PROVISIONER = 'provisioner';
export const CLI = 'cli';

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

const ofEachStream = (subjects: (stream: string) => readonly string[]): readonly string[] =>
  Object.keys(STREAMS).flatMap(subjects);
const none = { publish: [], subscribe: [] };

const RIGHTS: Readonly<Record<BusRight, (user: BusUser) => Permissions>> = {
  'pull-own': (user) => ({
    ...none,
    // The last sequence of the stream is needed to know how far an idle consumer has come.
    publish: [...consumersOf(user).flatMap(pulling), `$JS.API.STREAM.INFO.${EVENT_STREAM}`],
  }),
  'publish-events': () => ({ ...none, publish: STREAMS[EVENT_STREAM].subjects }),
  'trim-events': () => ({ ...none, publish: [`$JS.API.STREAM.PURGE.${EVENT_STREAM}`] }),
  'publish-inbound': () => ({ ...none, publish: STREAMS[INBOUND_STREAM].subjects }),
  'read-events': () => ({
    ...none,
    publish: [
      `$JS.API.STREAM.INFO.${EVENT_STREAM}`,
      `$JS.API.DIRECT.GET.${EVENT_STREAM}`,
      `$JS.API.DIRECT.GET.${EVENT_STREAM}.>`,
    ],
  }),
  'watch-events': () => ({ ...none, subscribe: STREAMS[EVENT_STREAM].subjects }),
  'make-topology': () => ({
    ...none,
    publish: ofEachStream((stream) => [
      `$JS.API.STREAM.INFO.${stream}`,
      `$JS.API.STREAM.CREATE.${stream}`,
      `$JS.API.CONSUMER.INFO.${stream}.*`,
      `$JS.API.CONSUMER.CREATE.${stream}.>`,
      `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.*`,
    ]),
  }),
  'change-topology': () => ({
    ...none,
    publish: [
      '$JS.API.INFO',
      ...ofEachStream((stream) => [
        ...['INFO', 'CREATE', 'UPDATE', 'DELETE'].map((verb) => `$JS.API.STREAM.${verb}.${stream}`),
        ...['INFO', 'DELETE'].map((verb) => `$JS.API.CONSUMER.${verb}.${stream}.*`),
        `$JS.API.CONSUMER.CREATE.${stream}.>`,
        `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.*`,
        `$JS.API.CONSUMER.LIST.${stream}`,
        `$JS.API.CONSUMER.NAMES.${stream}`,
      ]),
    ],
  }),
  'ask-settings': () => ({ ...none, publish: [SETTINGS_SUBJECT] }),
};

export function permissionsOf(user: BusUser): Permissions {
  const rights = PRIVILEGES[user].bus.map((right) => RIGHTS[right](user));
  return {
    publish: [...new Set(rights.flatMap(({ publish }) => publish))],
    subscribe: [`_INBOX_${user}.>`, ...rights.flatMap(({ subscribe }) => subscribe)],
  };
}
