export { type Eventually, type TcpProxy, databaseUrl, eventually, tcpProxy } from '@baton/tools';
export { TEST_ROLE_PASSWORD, type TestDatabase, type TestDatabaseOptions, testDatabase } from './database.ts';
export { type TestNats, type TestNatsOptions, testNats } from './nats.ts';
export { type MemoryArtifacts, memoryArtifacts } from './memory-artifacts.ts';
export { ownerGit, ownerRepository, writeFiles } from './owner-git.ts';
export { deliveryOf, metaBy, recorded } from './recorded.ts';
export {
  ENDLESS,
  MISSION,
  base,
  change,
  contract,
  delivery,
  digest,
  evaluation,
  finding,
  openGate,
  person,
  policy,
  receipt,
  task,
  tree,
} from './samples.ts';
export {
  logDatabase,
  shippedNats,
  testServers,
  type ServiceEnvironment,
  type TestServers,
  type TestServersOptions,
} from './servers.ts';
export { serviceBench } from './service-bench.ts';
export {
  type AgentRuntimeSetup,
  type AgentsToRun,
  keepsAgentRuntimeContract,
  taskEnvelope,
} from './suites/agent-runtime.suite.ts';
export { criterion, keepsWorkspaceContract, type WorkspaceSetup } from './suites/workspace.suite.ts';
export { type ArtifactStoreSetup, keepsArtifactStoreContract } from './suites/artifact-store.suite.ts';
export { type BusHandler, type BusSetup, keepsBusContract } from './suites/bus.suite.ts';
export { type DeadLettersSetup, keepsDeadLettersContract } from './suites/dead-letters.suite.ts';
export { keepsDeadlinesContract } from './suites/deadlines.suite.ts';
export { type EventLogSetup, appendOf, keepsEventLogContract, newEvent, storedBy } from './suites/event-log.suite.ts';
export { type LeasesSetup, keepsLeasesContract } from './suites/leases.suite.ts';
export { type WatermarksSetup, keepsWatermarksContract } from './suites/watermarks.suite.ts';
