export { decideAndAppend, ContentionFault, ForgedEvent, type Decided, type Request } from './decide-and-append.ts';
export type { Delivery, EventDelivery, InboundDelivery, Settlement } from './delivery.ts';
export { eventId, missionIdOf, uuidOf } from './event-id.ts';
export { noInstruments, serviceActor, type Instruments, type SpanAttributes } from './instruments.ts';
export { InvalidRequest, createService, type ServiceDefinition, type ServicePorts, type ServiceRuntime } from './service.ts';
export { fold, type Known } from './streams.ts';
export type { Performer, Work } from './work.ts';
export { digestOf } from './digest.ts';
export { pause, systemTimers, type Timers } from './timers.ts';
