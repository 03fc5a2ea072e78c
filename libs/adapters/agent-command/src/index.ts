export { commandAgentRuntime, type CommandAgentOptions } from './command-agent-runtime.ts';
