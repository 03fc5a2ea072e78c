/** What a delivery asks of a service: the reactions to an event, or the commands that a request from outside stands for. */
import { inboundType, isOtherVersion, readOutsideJson } from '@baton/contracts';
import { react } from '@baton/domain';
import type { Delivery, EventDelivery, InboundDelivery } from '@baton/ports';
import type { Request } from './decided.ts';
import { serviceActor } from './instruments.ts';
import type { ServiceDefinition } from './definition.ts';
import { InvalidRequest } from './settling.ts';

export interface Asked {
  readonly requests: readonly Request[];
  readonly correlation_id: string;
  readonly traceparent: string | undefined;
  /** Type of the event, or name of the request. */
  readonly label: string;
}

type Asking = Pick<ServiceDefinition, 'name' | 'inbound'>;

/** Throws InvalidRequest, and UnreadableEvent. */
export const askedBy = (definition: Asking, delivery: Delivery): Asked =>
  delivery.kind === 'inbound' ? askedFromOutside(definition, delivery) : askedByEvent(definition, delivery);

function askedFromOutside({ name: service, inbound }: Asking, delivery: InboundDelivery): Asked {
  const { name, type, body, headers } = delivery;
  const answer = inbound?.[name];
  if (!answer) throw new InvalidRequest(`${service} does not take ${name}`);
  // A request of a newer release may mean something else by the same fields: it is kept for who understands it.
  if (isOtherVersion(name, type))
    throw new InvalidRequest(
      `type: is "${type}", and this release takes "${inboundType(name)}"; send that, or replay this after the upgrade`,
    );
  const requests = answer(parseBody(body), delivery);
  // As an attribute of the CloudEvent, or as others who pass a trace on over NATS write it.
  const traceparent = headers['ce-traceparent'] ?? headers['traceparent'];
  return { requests, correlation_id: requests[0]?.correlation_id ?? '', traceparent, label: name };
}

function askedByEvent({ name: service }: Asking, delivery: EventDelivery): Asked {
  const event = delivery.event();
  const { correlation_id, traceparent } = event.meta;
  const requests = react(service, event).map(({ stream, command }): Request => ({
    stream,
    command,
    causation_id: event.id,
    correlation_id,
    actor: serviceActor(service),
    answers: {
      position: delivery.sequence,
      id: event.id,
      stream: event.stream,
      version: event.version,
      type: event.type,
      data: delivery.body,
    },
  }));
  return { requests, correlation_id, traceparent, label: event.type };
}

function parseBody(body: string): unknown {
  try {
    return readOutsideJson(body);
  } catch (cause) {
    throw new InvalidRequest(`the body cannot be taken: ${(cause as Error).message}`, { cause });
  }
}
