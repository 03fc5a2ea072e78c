export { EVENT_DATA_BYTES_MAX, EVENT_META_BYTES_MAX } from './append.ts';
export { ARTIFACT_BYTES_MAX, ArtifactMissing } from './artifacts.ts';
export { FUNCTION_CALLERS, TABLE_READERS } from './grants.ts';
export { GENESIS_HASH, hashOf } from './hash-chain.ts';
export { openHistory, type History, type MissionDeadline, type Overdue, type RecentMission } from './history.ts';
export { migrate, type Migrated } from './migrate.ts';
export { openEventStore, type EventStore, type EventStoreOptions } from './postgres-event-log.ts';
export { LOGIN_ROLES, OWNER_ROLE, setPasswords } from './roles.ts';
export { verifyLog, type Verified } from './verify.ts';
