export { scriptedAgentRuntime } from './scripted-agent-runtime.ts';
