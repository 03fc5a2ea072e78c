export { baseConfigSchema, ConfigError, readConfig, type BaseConfig } from './config.ts';
export { confinementConfig, sandboxOptions, type ConfinementConfig } from './confinement-config.ts';
export { PLATFORM, RUNTIME, type HostedRuntime, type Platform } from './platform.ts';
export { parseBody, problem, Problem, type ProblemBody, type ProblemOptions } from './problem.ts';
export { runService, type ProcessOptions } from './run-service.ts';
export { startService, type RunningService, type ServiceOptions } from './start-service.ts';
