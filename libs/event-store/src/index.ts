export { REASON_CHARS_MAX, SEALER_KEY_NAME, signCheckpoint, type Checkpoint, type NewStart } from './checkpoint.ts';
export {
  addVerifierKey,
  appendNote,
  checkpointPaths,
  readCheckpoints,
  readVerifierKeys,
  type CheckpointPaths,
  type FoundCheckpoint,
  type ReadCheckpoints,
} from './checkpoint-file.ts';
export { StoreUnreachable } from './connections.ts';
export { FUNCTION_CALLERS, TABLE_READERS } from './grants.ts';
export { GENESIS_HASH, hashOf } from './hash-chain.ts';
export { openHistory, type History, type MissionDeadline, type Overdue, type RecentMission } from './history.ts';
export { migrate, type Migrated } from './migrate.ts';
export { openEventStore, type EventStore, type EventStoreOptions } from './postgres-event-log.ts';
export { LOGIN_ROLES, makeRoles, setPasswords } from './roles.ts';
export { SEAL_EVENTS_MAX, SEAL_INTERVAL_MS, startSealer, type Sealer, type SealerOptions, type SealerStatus } from './sealer.ts';
export { UnusableKey, newSigningKey, readSigningKey, type SigningKey, type VerifierKey } from './signed-note.ts';
export { watchCheckpoints, type CheckpointsVerified, type ToldCheckpoint } from './verify-checkpoints.ts';
export { verifyLog, type Verified } from './verify.ts';
