export { checkEnvironment, runCheck, type CheckOptions } from './check.ts';
export { codeOf, runProcess, type ProcessEnd, type ProcessRun } from './process-group.ts';
export { makeRunDirectory, removeTree, scrubbedEnvironment, type RunDirectory } from './run-directory.ts';
export { tailOf } from './tail.ts';
export { workspaceProblem } from './workspace-problem.ts';
