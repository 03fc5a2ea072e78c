/** Subjects that somebody would try who got hold of a user's key, and whose use they are: made from the streams and consumers. */
import { BUS_USERS, CONSUMERS, EVENT_STREAM, INBOUND_STREAM, STREAMS, type ConsumerName } from '@baton/contracts';
import { permissionsOf } from '../src/index.ts';

export const ALL_CONSUMERS = Object.keys(CONSUMERS) as ConsumerName[];
const STREAM_NAMES = Object.keys(STREAMS);

/** Everything that is published to, by anybody, for any purpose. */
export const PUBLISHED: readonly string[] = [
  'baton.event.plan.plan-cancelled',
  'baton.event.gate.approval-granted',
  'baton.event',
  'baton.inbound.intake.submit-mission',
  'baton.inbound.approval.answer-gate',
  ...BUS_USERS.map((user) => `_INBOX_${user}.forged`),
  '_INBOX.forged',
  ...ALL_CONSUMERS.flatMap((name) => {
    const { stream } = CONSUMERS[name];
    return [
      `$JS.API.CONSUMER.INFO.${stream}.${name}`,
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`,
      `$JS.API.CONSUMER.DELETE.${stream}.${name}`,
      `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.${name}`,
      `$JS.API.CONSUMER.CREATE.${stream}.${name}`,
      `$JS.API.CONSUMER.PAUSE.${stream}.${name}`,
      `$JS.API.CONSUMER.UNPIN.${stream}.${name}`,
      `$JS.ACK.${stream}.${name}.1.1.1.1.0`,
      `$JS.ACK._.x.${stream}.${name}.1.1.1.1.0`,
    ];
  }),
  ...STREAM_NAMES.flatMap((stream) => [
    ...[
      'CREATE',
      'UPDATE',
      'DELETE',
      'PURGE',
      'INFO',
      'MSG.DELETE',
      'MSG.GET',
      'SNAPSHOT',
      'RESTORE',
      'LEADER.STEPDOWN',
      'PEER.REMOVE',
    ].map((verb) => `$JS.API.STREAM.${verb}.${stream}`),
    `$JS.API.CONSUMER.CREATE.${stream}`,
    `$JS.API.CONSUMER.CREATE.${stream}.mine`,
    `$JS.API.CONSUMER.LIST.${stream}`,
    `$JS.API.CONSUMER.NAMES.${stream}`,
    `$JS.API.DIRECT.GET.${stream}`,
    `$JS.API.DIRECT.GET.${stream}.baton.event.plan.plan-cancelled`,
  ]),
  '$JS.API.STREAM.CREATE.MINE',
  '$JS.API.STREAM.LIST',
  '$JS.API.STREAM.NAMES',
  '$JS.API.INFO',
  '$JS.API.ACCOUNT.PURGE.BATON',
  '$JS.API.META.LEADER.STEPDOWN',
  '$JS.FC.x',
  '$KV.mine.key',
  '$SYS.REQ.SERVER.PING',
  '$SYS.REQ.ACCOUNT.BATON.CONNZ',
  '$SYS.REQ.USER.INFO.x',
  'anything',
];

/** What is listened to, by anybody, for any purpose. */
export const SUBSCRIBED: readonly string[] = [
  '>',
  '*',
  '*.>',
  'baton.>',
  'baton.event.>',
  'baton.event.gate.*',
  'baton.inbound.>',
  '_INBOX.>',
  '_INBOX*',
  ...BUS_USERS.map((user) => `_INBOX_${user}.>`),
  '$JS.>',
  '$JS.API.>',
  `$JS.ACK.${EVENT_STREAM}.>`,
  `$JS.ACK.${INBOUND_STREAM}.>`,
  '$JS.EVENT.>',
  '$SYS.>',
  '$KV.>',
];

/** As the server matches: a `*` stands for one token, a `>` for all that follow. */
export function covers(pattern: string, subject: string): boolean {
  const [want, got] = [pattern.split('.'), subject.split('.')];
  for (const [at, token] of want.entries()) {
    if (token === '>') return got.length > at;
    if (got[at] === undefined || (token !== '*' && token !== got[at])) return false;
  }
  return want.length === got.length;
}

export const mayPublish = (user: (typeof BUS_USERS)[number], subject: string): boolean =>
  permissionsOf(user).publish.some((pattern) => covers(pattern, subject));
export const maySubscribe = (user: (typeof BUS_USERS)[number], subject: string): boolean =>
  permissionsOf(user).subscribe.some((pattern) => covers(pattern, subject));
