export { BrokenPromise } from './broken-promise.ts';
export { EXPECTED, WAYS_BACK } from './coverage.ts';
export { FAULT_KINDS, FAULTS, planOf, type Fault, type FaultKind, type Plan } from './faults.ts';
export { memoryBus, type MemoryBus } from './memory-bus.ts';
export { memoryEventLog, type MemoryEventLog, type MemoryEventLogOptions } from './memory-event-log.ts';
export {
  memoryArtifactStore,
  memoryDeadLetters,
  memoryLeases,
  memoryRecord,
  memoryWatermarks,
  type MemoryRecord,
} from './memory-record.ts';
export { random, seedOf, type Random } from './random.ts';
export type { Wraps } from './service-process.ts';
export { simulate, type SimulateOptions, type Simulated } from './simulation.ts';
export { virtualTime, type VirtualTime } from './virtual-time.ts';
