/** A check that Baton runs itself, and the receipt it mints for it: the only thing that counts as evidence. */
import { realpath } from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';
import type { Check, Receipt } from '@baton/contracts';
import type { ArtifactStore, WorkspaceProblem } from '@baton/ports';
import { breachText } from './limits.ts';
import { runProcess, type ProcessEnd } from './process-group.ts';
import { scrubbedEnvironment, type RunDirectory } from './run-directory.ts';
import type { Sandbox } from './sandbox.ts';
import { tailOf } from './tail.ts';
import { workspaceProblem } from './workspace-problem.ts';

export interface CheckOptions {
  readonly criterion_id: string;
  readonly check: Check;
  /** Holds exactly the content of `tree`. */
  readonly directory: string;
  readonly tree: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Absent: none, and no limit but time. */
  readonly confined?: CheckConfinement | undefined;
  /** Takes secrets out of what it printed, before anybody else sees it. */
  readonly redact?: ((text: string) => string) | undefined;
  readonly artifacts: ArtifactStore;
  readonly signal: AbortSignal;
}

export interface CheckConfinement {
  readonly sandbox: Sandbox;
  readonly writable: readonly string[];
  readonly readable: readonly string[];
}

const OUTPUT_BYTES_MAX = 8 * 1024 * 1024;
const KILL_GRACE_MS = 2_000;
const TAIL_CHARS_MAX = 2_000;
/** As shells and `timeout` have it, so that people know them. */
const EXIT_TIMED_OUT = 124;
const EXIT_NOT_EXECUTABLE = 126;
const EXIT_NOT_FOUND = 127;
const EXIT_KILLED = 137;
/** No processes, memory or files to spare: later there may be. */
const NO_ROOM: ReadonlySet<string> = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE']);

/** A check sees no variable of the host's but PATH and LANG. */
export const checkEnvironment = (
  environment: Readonly<Record<string, string | undefined>>,
  run: RunDirectory,
): Record<string, string> => scrubbedEnvironment(environment, run, []);

/**
 * Throws a WorkspaceProblem when aborted: a check that was not finished proves nothing. And where it cannot be started for a
 * reason outside the tree: that is no finding, because no agent can mend it.
 */
export async function runCheck(options: CheckOptions): Promise<Receipt> {
  const { check, signal } = options;
  const started_at = new Date().toISOString();
  if (leavesTree(check.in ?? '.'))
    throw cannotRun(options, `in: "${check.in ?? '.'}" is outside the tree; correct the check's "in"`);
  const directory = await insideDirectory(options.directory, check.in);
  const end =
    directory === null
      ? null
      : await runProcess({
          command: check.run,
          directory,
          environment: options.environment,
          input: '',
          timeout_ms: check.timeout_ms,
          kill_grace_ms: KILL_GRACE_MS,
          output_bytes_max: OUTPUT_BYTES_MAX,
          signal,
          ...(options.confined === undefined ? {} : { confined: options.confined }),
        });
  if (end?.status === 'aborted')
    throw workspaceProblem('transient', `check "${options.criterion_id}" was stopped before it ended`);
  if (end?.status === 'not-started') {
    const later = NO_ROOM.has(end.code ?? '');
    if (later || !isOfTree(check)) throw cannotRun(options, notStarted(end.code, check), later ? 'transient' : 'semantic');
  }

  const note =
    end === null ? `in: there is no directory "${check.in ?? '.'}" in this tree; correct the check's "in"\n` : noteOf(end, check);
  const printed =
    end === null
      ? note
      : `${end.dropped_bytes > 0 ? `[${String(end.dropped_bytes)} bytes before this were not kept]\n` : ''}${end.output.toString('utf8')}${note}`;
  const output = options.redact?.(printed) ?? printed;
  return {
    criterion_id: options.criterion_id,
    command: [...check.run],
    exit_code: end === null ? EXIT_NOT_FOUND : exitCodeOf(end),
    output_digest: await options.artifacts.put(Buffer.from(output)),
    output_tail: tailOf(output, TAIL_CHARS_MAX),
    tree: options.tree,
    started_at,
    duration_ms: Math.round(end?.duration_ms ?? 0),
    ...(options.confined === undefined ? {} : { sandbox: options.confined.sandbox.mode }),
  };
}

const cannotRun = (
  { criterion_id }: CheckOptions,
  why: string,
  failure_class: WorkspaceProblem['failure_class'] = 'semantic',
): WorkspaceProblem => workspaceProblem(failure_class, `check "${criterion_id}" cannot be run: ${why}`);

const leavesTree = (path: string): boolean => join('.', path).split(sep)[0] === '..';

/** Whether the tree has to bring the program along: then an agent that left it out, or left it not executable, can mend that. */
function isOfTree(check: Check): boolean {
  const program = check.run[0] ?? '';
  return program.includes('/') && !isAbsolute(program) && !leavesTree(join(check.in ?? '.', program));
}

/** Null where it does not exist or is outside by way of a link. */
async function insideDirectory(root: string, inside: string | undefined): Promise<string | null> {
  if (inside === undefined) return root;
  try {
    const real_root = await realpath(root);
    const real = await realpath(join(root, inside));
    return real === real_root || real.startsWith(real_root + sep) ? real : null;
  } catch {
    return null;
  }
}

function exitCodeOf(end: ProcessEnd): number {
  if (end.status === 'timed-out') return EXIT_TIMED_OUT;
  if (end.status === 'breached') return EXIT_KILLED;
  if (end.status === 'not-started') return end.code === 'ENOENT' ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
  return end.exit_code ?? EXIT_NOT_EXECUTABLE;
}

function noteOf(end: ProcessEnd, check: Check): string {
  if (end.status === 'timed-out') return `\n[killed: it ran longer than its timeout_ms of ${String(check.timeout_ms)}]\n`;
  if (end.breach !== null) return `\n[killed: ${breachText(end.breach)}]\n`;
  return end.status === 'not-started' ? `[${notStarted(end.code, check)}]\n` : '';
}

function notStarted(code: string | null, check: Check): string {
  const program = check.run[0] ?? '';
  if (code === 'HIDDEN')
    return `${program}: hidden by the sandbox; name its directory in BATON_SANDBOX_READABLE, or install it for the whole system`;
  if (code === 'ENOENT') return `${program}: not found; install it where checks run, or correct the check's "run"`;
  if (NO_ROOM.has(code ?? '')) return `${program}: the machine has nothing left to start it with (${code ?? ''})`;
  return `${program}: cannot be run (${code ?? 'unknown'}); make it executable, or correct the check's "run"`;
}
