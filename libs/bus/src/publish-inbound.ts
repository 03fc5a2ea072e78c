/** Asks for something from outside: the request is kept by the bus when this resolves, and its owner has not decided yet. */
import { INBOUND, inboundType, type InboundName } from '@baton/contracts';
import { jetstream, type PubAck } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { MESSAGE_ID_HEADER, escapeValue } from './cloud-event.ts';
import { messageHeaders } from './header-block.ts';

export interface InboundRequest {
  /** The same id is the same request: kept once within the stream's window, answered once for ever. */
  readonly id: string;
  readonly time?: string;
  readonly traceparent?: string;
}

export function publishInbound(
  connection: NatsConnection,
  name: InboundName,
  body: unknown,
  { id, time, traceparent }: InboundRequest,
): Promise<PubAck> {
  const { subject } = INBOUND[name];
  const headers = messageHeaders({
    [MESSAGE_ID_HEADER]: escapeValue(id),
    'ce-specversion': '1.0',
    'ce-id': escapeValue(id),
    'ce-source': '/baton/outside',
    'ce-type': inboundType(name),
    // What is asked of one mission is handled in order, what is asked of different ones side by side.
    'ce-subject': escapeValue(missionOf(body) ?? id),
    'ce-datacontenttype': 'application/json',
    ...(time === undefined ? {} : { 'ce-time': escapeValue(time) }),
    ...(traceparent === undefined ? {} : { 'ce-traceparent': escapeValue(traceparent) }),
  });
  return jetstream(connection).publish(subject, JSON.stringify(body), { headers });
}

function missionOf(body: unknown): string | undefined {
  const mission_id = body !== null && typeof body === 'object' && 'mission_id' in body ? body.mission_id : undefined;
  return typeof mission_id === 'string' ? mission_id : undefined;
}
