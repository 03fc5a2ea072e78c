export { checkEnvironment, runCheck, type CheckOptions } from './check.ts';
export { breachText, RUN_LIMITS, type Breach, type RunLimits } from './limits.ts';
export { codeOf, runProcess, type ProcessEnd, type ProcessRun } from './process-group.ts';
export { redactor, type Redactor } from './redact.ts';
export { makeRunDirectory, removeTree, scrubbedEnvironment, type RunDirectory } from './run-directory.ts';
export { openSandbox, SANDBOX_SETTINGS, type Sandbox, type SandboxOptions } from './sandbox.ts';
export { tailOf } from './tail.ts';
export { workspaceProblem } from './workspace-problem.ts';
export { writable, type WriteSet } from './write-set.ts';
