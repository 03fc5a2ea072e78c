/**
 * What one event can carry, and how much of it each part may take that comes from outside: within these, everything that is
 * handed on fits into every event that carries it (`libs/domain/src/event-bytes.spec.ts` adds it up). Bytes are those of its JSON.
 */

/** What is larger travels as an artifact, named in the event by its digest. */
export const EVENT_DATA_BYTES_MAX = 262_144;
/** In MissionAccepted whole; what is delivered of it once more beside a change. */
export const CONTRACT_BYTES_MAX = 56 * 1024;
/** Beside a change, the receipts of the task's checks, and where it started from. */
export const TASK_BYTES_MAX = 36 * 1024;
/** The paths of a change. */
export const FILES_BYTES_MAX = 128 * 1024;

const encoder = new TextEncoder();
export const jsonBytes = (value: unknown): number => encoder.encode(JSON.stringify(value)).length;
