export { databaseUrl } from '@baton/tools';
export { TEST_ROLE_PASSWORD, type TestDatabase, type TestDatabaseOptions, testDatabase } from './database.ts';
export { type Eventually, eventually } from './eventually.ts';
export { type TestNats, type TestNatsOptions, testNats } from './nats.ts';
export { type TcpProxy, tcpProxy } from './tcp-proxy.ts';
export { type MemoryArtifacts, memoryArtifacts } from './memory-artifacts.ts';
export { type AgentRuntimeSetup, type AgentsToRun, keepsAgentRuntimeContract, taskEnvelope } from './suites/agent-runtime.suite.ts';
export { criterion, keepsWorkspaceContract, type WorkspaceSetup } from './suites/workspace.suite.ts';
