/** One run of `baton` speaks either to a person (lines) or to a program (JSON on standard output, nothing else there). */
import { printableJson } from '@baton/contracts';
import { colour } from './format.ts';
import { CliProblem, EXIT, type ExitCode } from './exit-codes.ts';

export interface Output {
  readonly json: boolean;
  /** A line for people; silent with --json. */
  line(text?: string): void;
  /** What is under way, for people, on standard error; silent with --json. */
  progress(text: string): void;
  /** The answer, for programs: one line of JSON; silent without --json. */
  result(value: unknown): void;
}

export const outputTo = (json: boolean, stdout: (text: string) => void, stderr: (text: string) => void): Output => ({
  json,
  line: (text = '') => {
    if (!json) stdout(`${text}\n`);
  },
  progress: (text) => {
    if (!json) stderr(`${text}\n`);
  },
  result: (value) => {
    if (json) stdout(`${printableJson(value)}\n`);
  },
});

/** Says what went wrong and answers the exit code that goes with it. */
export function reportError(
  error: unknown,
  json: boolean,
  stdout: (text: string) => void,
  stderr: (text: string) => void,
): ExitCode {
  const problem = error instanceof CliProblem ? error : null;
  const exit = problem?.exit ?? EXIT.unexpected;
  const message = error instanceof Error ? error.message : String(error);
  if (json) stdout(`${JSON.stringify({ error: { exit, message, fix: problem?.fix ?? '' } })}\n`);
  else {
    stderr(`${colour.red('error')}  ${message}\n`);
    if (problem && problem.fix !== '') stderr(`${colour.cyan('fix')}    ${problem.fix}\n`);
    if (!problem && error instanceof Error && error.stack) stderr(`${colour.dim(error.stack)}\n`);
  }
  return exit;
}
