/**
 * Agents and checks run where they can do no harm: in bubblewrap, which shows them the system's programs, their own directories
 * and nothing else. Where the system has none, in a process group with limits only, and everybody is told so.
 */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import type { SandboxMode } from '@baton/contracts';
import { bubblewrapArguments, hidesProgram, type Confined, type Variant } from './bubblewrap.ts';
import { RUN_LIMITS, type RunLimits } from './limits.ts';
import { findProgram } from './program.ts';
import { watchdog } from './watchdog.ts';

export const SANDBOX_SETTINGS = ['required', 'preferred', 'off'] as const;

export interface SandboxOptions {
  /** `required` does no work without; `preferred` takes the weaker mode where there is none. */
  readonly setting: (typeof SANDBOX_SETTINGS)[number];
  /** `none`: not even this machine's own ports can be reached, its own loopback excepted. */
  readonly network: 'none' | 'host';
  /** Absolute paths that programs may read besides the system's and their own. */
  readonly readable: readonly string[];
  readonly limits?: Partial<RunLimits>;
  /** PATH is looked at. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface Sandbox {
  readonly mode: SandboxMode;
  /** Null for the full one; else why it is the weaker mode, and the fix. */
  readonly weaker_because: string | null;
  readonly limits: RunLimits;
  /** The command that runs a command in it. */
  wrap(command: readonly string[], confined: Confined): readonly string[];
  /** Whether this program, which exists here, would not be there in it. */
  hides(program: string, confined: Confined): boolean;
  /** That the group ends when we do, however we end; returns how to call that off. */
  guard(group: number): () => void;
}

const TRIAL_MS_MAX = 5_000;
const FIX =
  'install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap) and allow user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns=0; in a container, a seccomp profile that permits them)';
const VARIANTS: readonly Variant[] = [{ nested: 'forbidden' }, { nested: 'possible' }];

export class SandboxMissing extends Error {
  override readonly name = 'SandboxMissing';
}

/** Tries it out once: that the program is there says nothing about what the kernel allows. Throws SandboxMissing where it is required. */
export function openSandbox(options: SandboxOptions): Sandbox {
  const limits = { ...RUN_LIMITS, ...options.limits };
  if (options.setting === 'off') return processGroup(limits, 'BATON_SANDBOX=off; set it to preferred or required');
  const found = tryBubblewrap(options);
  if ('problem' in found) {
    if (options.setting === 'required')
      throw new SandboxMissing(
        `BATON_SANDBOX=required, but ${found.problem}: ${FIX}; or accept the weaker mode with BATON_SANDBOX=preferred`,
      );
    return processGroup(limits, `${found.problem}: ${FIX}`);
  }
  const { program, variant } = found;
  return {
    mode: 'bubblewrap',
    weaker_because: null,
    limits,
    wrap: (command, confined) => [
      program,
      ...bubblewrapArguments(options, confined, command, variant),
      '--',
      ...limited(command, limits, process.getuid?.() !== 0),
    ],
    hides: (path, confined) => hidesProgram(options, confined, path),
    // --die-with-parent, in the kernel: nothing has to be told.
    guard: () => () => undefined,
  };
}

function processGroup(limits: RunLimits, weaker_because: string): Sandbox {
  const dog = watchdog();
  return {
    mode: 'process-group',
    weaker_because,
    limits,
    wrap: (command) => limited(command, limits, false),
    hides: () => false,
    guard: (group) => dog.watch(group),
  };
}

/** In units of 512 bytes, as POSIX has it. */
const FILE_BLOCK_BYTES = 512;
/** The kernel counts threads; a program of one process may well have dozens. */
const THREADS_PER_PROCESS = 16;

/**
 * Limits that the kernel keeps itself. That of processes counts all of a user's outside of a sandbox, where it would hit
 * whoever else this user is; it does not bind root: what is sampled (`limits.ts`) holds everywhere.
 */
function limited(command: readonly string[], limits: RunLimits, count_processes: boolean): readonly string[] {
  const blocks = Math.ceil(limits.file_bytes_max / FILE_BLOCK_BYTES);
  const threads = limits.processes_max * THREADS_PER_PROCESS;
  const processes = count_processes
    ? `ulimit -u ${String(threads)} 2>/dev/null || ulimit -p ${String(threads)} 2>/dev/null; `
    : '';
  return ['/bin/sh', '-c', `ulimit -c 0; ulimit -f ${String(blocks)}; ${processes}exec "$@"`, 'sh', ...command];
}

function tryBubblewrap(options: SandboxOptions): { program: string; variant: Variant } | { problem: string } {
  if (process.platform !== 'linux') return { problem: 'bubblewrap exists on Linux only' };
  const program = findProgram('bwrap', options.environment['PATH'] ?? '/usr/bin', '/');
  if ('code' in program) return { problem: 'bubblewrap (bwrap) is not installed' };
  let said = '';
  for (const variant of VARIANTS) {
    const confined = { directory: '/tmp', writable: [], readable: [], environment: {} };
    const trial = spawnSync(
      program.path,
      [...bubblewrapArguments(options, confined, [], variant), '--', '/bin/sh', '-c', 'echo inside'],
      {
        encoding: 'utf8',
        timeout: TRIAL_MS_MAX,
        env: { PATH: '/usr/bin:/bin' },
      },
    );
    if (trial.status === 0 && trial.stdout === 'inside\n') return { program: program.path, variant };
    said = trial.stderr.trim() || trial.error?.message || `exit code ${String(trial.status)}`;
  }
  return { problem: `bubblewrap does not work here (${said})` };
}
