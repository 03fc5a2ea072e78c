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
  const problem = error instanceof CliProblem ? error : unreachable(error);
  const exit = problem?.exit ?? EXIT.unexpected;
  const message = error instanceof Error ? error.message : String(error);
  if (json) stdout(`${JSON.stringify({ error: { exit, message, fix: problem?.fix ?? '', ...problem?.facts } })}\n`);
  else {
    stderr(`${colour.red('error')}  ${message}\n`);
    if (problem && problem.fix !== '') stderr(`${colour.cyan('fix')}    ${problem.fix}\n`);
    if (!problem && error instanceof Error && error.stack) stderr(`${colour.dim(error.stack)}\n`);
  }
  return exit;
}

/** What a socket to Postgres or nats-server says where nobody answers. */
const NOBODY_THERE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
]);
/** What Postgres says where it does not let us in, or nobody (yet, or any more). */
const SHUT = new Set(['28000', '28P01', '57P01', '57P02', '57P03']);
const CAUSES_MAX = 5;

/** That a server is away is no bug of ours, and its stack trace helps nobody. */
function unreachable(error: unknown): CliProblem | null {
  let at: unknown = error;
  for (let depth = 0; depth < CAUSES_MAX && typeof at === 'object' && at !== null; depth++) {
    // Where a name has several addresses, each was tried.
    const { code = '', message, cause, errors } = at as Partial<NodeJS.ErrnoException & AggregateError>;
    if (NOBODY_THERE.has(code) || SHUT.has(code))
      return new CliProblem(
        EXIT.unreachable,
        `a server cannot be reached: ${message === undefined || message === '' ? code : message}`,
        'see whether it runs, and whether address and password in the environment are right',
        { cause: error },
      );
    at = cause ?? errors?.[0];
  }
  return null;
}
