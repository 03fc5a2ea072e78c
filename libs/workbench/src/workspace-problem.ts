/** The one way to make the error that the Workspace port promises. */
import type { WorkspaceProblem } from '@baton/ports';

export function workspaceProblem(
  failure_class: WorkspaceProblem['failure_class'],
  message: string,
  cause?: unknown,
): WorkspaceProblem {
  const error = new Error(message, cause === undefined ? undefined : { cause });
  return Object.assign(error, { name: 'WorkspaceProblem' as const, failure_class });
}
