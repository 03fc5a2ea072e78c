export { memoryEventLog, type MemoryEventLogOptions } from './memory-event-log.ts';
export { memoryArtifactStore, memoryDeadLetters, memoryLeases, memoryRecord, memoryWatermarks, type MemoryRecord } from './memory-record.ts';
