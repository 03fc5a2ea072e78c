export { baseConfigSchema, ConfigError, readConfig, type BaseConfig } from './config.ts';
export { confinementConfig, openConfinement, type Confinement, type ConfinementConfig } from './confinement.ts';
export { actorOf, neededHeader } from './header-text.ts';
export { PLATFORM, RUNTIME, type HostedRuntime, type Platform } from './platform.ts';
export { parseBody, problem, type ProblemBody, type ProblemOptions } from './problem.ts';
export { runService, type ProcessOptions } from './run-service.ts';
export { runtimeOn } from './runtime-on.ts';
export { startService, type RunningService, type ServiceOptions } from './start-service.ts';
export { gitTimeoutSetting, workDirectorySetting, workSlotsSetting } from './work-settings.ts';
