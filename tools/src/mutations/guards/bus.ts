/** What keeps the bus a copy of the log, and every message with somebody until it is handled. */
import type { Guard } from '../guard.ts';

const CONSUMING = 'libs/bus/src/consuming.ts';
const RELAY = 'libs/bus/src/relay.ts';
const PERMISSIONS = 'libs/bus/src/permissions.ts';
const CONSUMING_SPEC = 'libs/bus/test/consuming.int.spec.ts';
const TRIMMING = 'libs/bus/src/trimming.ts';
const TRIMMING_SPEC = 'libs/bus/test/trimming.int.spec.ts';
const RELAY_SPEC = 'libs/bus/test/relay.int.spec.ts';

export const busGuards: readonly Guard[] = [
  {
    name: 'a message is acknowledged after it was handled',
    promise: 'G2',
    file: CONSUMING,
    text: 'const settlement = closing ?',
    off: 'answer(lane, message, ACK);\n      const settlement = closing ?',
    spec: CONSUMING_SPEC,
    test: 'acknowledges after the handler has resolved, and not before',
  },
  {
    name: 'a message whose handler fails is given back',
    promise: 'G2',
    file: CONSUMING,
    text: 'return nakAfter(Math.min(FAILED_DELAY_MS_MAX, FAILED_DELAY_MS_MIN * 2 ** (delivery.deliveries - 1)));',
    off: 'return ACK;',
    spec: CONSUMING_SPEC,
    test: 'has a message delivered again when its handler rejects, or asks for it',
  },
  {
    name: 'what is given back comes after its delay',
    promise: 'G2',
    file: CONSUMING,
    text: 'nakAfter(settlement.nak_delay_ms)',
    off: 'NAK_NOW',
    spec: 'libs/bus/test/bus-contract.int.spec.ts',
    test: 'delivers what was given back again after its delay, and counts',
  },
  {
    name: 'a message that is held longer than its ack wait is kept',
    promise: 'P3',
    file: CONSUMING,
    text: 'if (isDue(entry, ack_wait_ms)) answer(lane, entry.message, WORKING);',
    off: 'isDue(entry, ack_wait_ms);',
    spec: CONSUMING_SPEC,
    test: 'keeps a message that takes longer than the ack wait from being delivered again',
  },
  {
    name: 'events of a mission are handled one after the other',
    promise: 'G4',
    file: CONSUMING,
    text: "return headers[CORRELATION_HEADER] ?? headers['ce-subject'] ?? String(sequence);",
    off: 'return String(sequence);',
    spec: CONSUMING_SPEC,
    test: 'handles the events of a mission one after the other in the order of the log',
  },
  {
    name: 'each event is published behind the one before only',
    promise: 'P1',
    file: 'libs/bus/src/pipelined-publish.ts',
    text: 'messageHeaders({ ...headers, [EXPECTED_SEQUENCE_HEADER]: String(event.position - 1) })',
    off: 'messageHeaders(headers)',
    spec: RELAY_SPEC,
    test: 'cannot publish an event anywhere but at its position, whatever else it believes',
  },
  {
    name: 'the relay halts where the bus is ahead of the log',
    promise: 'P1',
    file: RELAY,
    text: "if (tail.status === 'broker-ahead') {",
    off: "if (tail.status === 'never') {",
    spec: RELAY_SPEC,
    test: 'halts, and says so once, when the bus holds more than the log',
  },
  {
    name: 'the relay compares what the bus holds with the log',
    promise: 'P2',
    file: 'libs/bus/src/stream-tail.ts',
    text: 'if (cause !== null) return',
    off: "if (cause === '') return",
    spec: RELAY_SPEC,
    test: 'halts when the last message is another event than the log has there',
  },
  {
    name: 'the relay reads what it was not told',
    promise: 'P1',
    file: RELAY,
    text: 'return first && first.position <= state.position + 1 ?',
    off: 'return first ?',
    spec: RELAY_SPEC,
    test: 'publishes what it is told without reading it, and reads what it was not told',
  },
  {
    name: 'what lies behind a watermark stays on the bus',
    promise: 'G2',
    file: TRIMMING,
    text: 'kept.get(consumer) ?? 0',
    off: 'Infinity',
    spec: TRIMMING_SPEC,
    test: 'keeps what lies behind a watermark, where a consumer that is lost would be made again',
  },
  {
    name: 'what a consumer has not handled on the bus stays there',
    promise: 'G2',
    file: TRIMMING,
    text: 'on_bus.get(consumer) ?? 0',
    off: 'Infinity',
    spec: TRIMMING_SPEC,
    test: 'keeps what a consumer that was set back has to handle again, whatever its watermark',
  },
  {
    name: 'only the relay may trim events',
    promise: 'P2',
    file: PERMISSIONS,
    text: "...['INFO', 'CREATE', 'UPDATE', 'DELETE'].map(",
    off: "...['INFO', 'CREATE', 'UPDATE', 'DELETE', 'PURGE'].map(",
    spec: 'libs/bus/src/nats-conf.spec.ts',
    test: 'lets the relay alone trim the stream of events',
  },
  {
    name: 'only the relay may publish events',
    promise: 'P2',
    file: PERMISSIONS,
    text: 'publish: [...consumersOf(user).flatMap(pulling),',
    off: "publish: ['baton.event.>', ...consumersOf(user).flatMap(pulling),",
    spec: 'libs/bus/src/nats-conf.spec.ts',
    test: 'lets the relay alone publish events',
  },
  {
    name: 'nobody settles the messages of others',
    promise: 'G2',
    file: PERMISSIONS,
    text: '`$JS.ACK.${stream}.${name}.>`',
    off: "'$JS.ACK.>'",
    spec: 'libs/bus/test/permissions.int.spec.ts',
    test: 'acknowledge, give back or end a message of another in any way',
  },
];
