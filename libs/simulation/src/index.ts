export { memoryEventLog, type MemoryEventLogOptions } from './memory-event-log.ts';
export {
  memoryArtifactStore,
  memoryDeadLetters,
  memoryLeases,
  memoryRecord,
  memoryWatermarks,
  type MemoryRecord,
} from './memory-record.ts';
export { random, seedOf, type Random } from './random.ts';
export { ALL_FAULTS, NO_FAULTS, type Faults } from './service-process.ts';
export { BrokenPromise } from './record-watch.ts';
export { simulate, type Simulated, type SimulationOptions } from './simulation.ts';
export { virtualTime, type VirtualTime } from './virtual-time.ts';
