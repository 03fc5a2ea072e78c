export { actorSchema, metaSchema, sealedSchema, type Actor, type EventMeta, type NewEvent, type Sealed, type StoredEvent } from './envelope.ts';
export { AUDITOR_ROLE, SERVICES, SERVICE_NAMES, categoryOf, roleOf, type ServiceName } from './services.ts';
