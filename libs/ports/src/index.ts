export type { ArtifactStore } from './artifact-store.ts';
export type {
  Append, Appended, DeadLetter, DeadLetters, DueDeadline, EventLog, Head, KeptDeadLetter, Leases, NewDeadline, Watermarks,
} from './event-log.ts';
