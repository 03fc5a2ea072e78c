/** What the table of a run comes to. */
import type { Result } from './suite.ts';

/** Where nobody reads the table, a test that was not run must not pass for one that was. */
export const strictByDefault = (environment: NodeJS.ProcessEnv): boolean => (environment['CI'] ?? '') !== '';

export function isRed(results: readonly Pick<Result, 'status'>[], { late, strict }: { late: boolean; strict: boolean }): boolean {
  return late || results.some(({ status }) => status === 'failed' || (strict && status === 'skipped'));
}
