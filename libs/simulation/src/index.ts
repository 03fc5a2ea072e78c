export { memoryArtifactStore, memoryLeases, memoryRecord, type MemoryRecord } from './memory-record.ts';
export { virtualTime, type VirtualTime } from './virtual-time.ts';
