/**
 * A program runs in a process group of its own, and when `runProcess` returns nothing of that group is running any more.
 * What leaves both its group and its session (a daemon) is out of reach here: that takes a sandbox.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { watchLimits, type Breach } from './limits.ts';
import { membersOf, readProcesses } from './process-table.ts';
import { findProgram } from './program.ts';
import type { Sandbox } from './sandbox.ts';
import { TailBuffer } from './tail.ts';

export interface ProcessRun {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly directory: string;
  /** All the variables it sees. */
  readonly environment: Readonly<Record<string, string>>;
  /** Written to its standard input, which is then closed. It need not be read. */
  readonly input: string;
  readonly timeout_ms: number;
  /** From asking it to stop (SIGTERM) to killing it. */
  readonly kill_grace_ms: number;
  /** Kept of what it prints: the last bytes. */
  readonly output_bytes_max: number;
  readonly signal: AbortSignal;
  /** Absent: for programs that are ours. */
  readonly confined?: {
    readonly sandbox: Sandbox;
    readonly writable: readonly string[];
    readonly readable: readonly string[];
  };
}

export type ProcessEnd = {
  /** `not-started`: the program cannot be run, `code` says why (ENOENT, EACCES, HIDDEN by the sandbox, …). */
  readonly status: 'exited' | 'timed-out' | 'aborted' | 'not-started' | 'breached';
  /** What `breached` ran into. */
  readonly breach: Breach | null;
  /** 128 + its number where a signal ended it, as shells count; null where it did not exit by itself. */
  readonly exit_code: number | null;
  readonly code: string | null;
  readonly stdout: Buffer;
  /** Standard output and error as they arrived. */
  readonly output: Buffer;
  /** Bytes of `output` that were printed but not kept. */
  readonly dropped_bytes: number;
  readonly duration_ms: number;
};

const GONE_POLL_MS = 10;
/** After SIGKILL only a process stuck in the kernel stays: waiting longer would hang the caller with it. */
const KILLED_WAIT_MS_MAX = 10_000;
/**
 * A process that left the group may hold the pipes open for ever. Long, because on a busy machine what was printed before the
 * exit may still be on its way to us: a timer that fires first would lose it.
 */
const PIPES_WAIT_MS_MAX = 5_000;
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};

export async function runProcess(run: ProcessRun): Promise<ProcessEnd> {
  const started = performance.now();
  const stdout = new TailBuffer(run.output_bytes_max);
  const output = new TailBuffer(run.output_bytes_max);
  const end = (status: ProcessEnd['status'], rest: Partial<Pick<ProcessEnd, 'exit_code' | 'code' | 'breach'>>): ProcessEnd => {
    const kept = output.bytes();
    return {
      status,
      exit_code: null,
      code: null,
      breach: null,
      ...rest,
      stdout: stdout.bytes(),
      output: kept,
      dropped_bytes: output.pushed - kept.length,
      duration_ms: performance.now() - started,
    };
  };
  if (run.signal.aborted) return end('aborted', {});

  const command = commandOf(run);
  const child = 'code' in command ? command : start(run, command);
  if ('code' in child) return end('not-started', { code: child.code });
  const unguard = child.pid === undefined ? () => undefined : run.confined?.sandbox.guard(child.pid);
  const printed_max = run.confined?.sandbox.limits.output_bytes_max ?? Infinity;
  const stop = new AbortController();
  const print = (chunk: Buffer): void => {
    output.push(chunk);
    if (output.pushed > printed_max) stop.abort({ limit: 'output', max: printed_max } satisfies Breach);
  };
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout.push(chunk);
    print(chunk);
  });
  child.stderr?.on('data', print);
  // EPIPE: a program may answer without reading what it was given.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(run.input);

  const closed = new Promise<void>((resolve) =>
    child.once('close', () => {
      resolve();
    }),
  );
  const outcome = await firstOf(child, run, stop);
  if (outcome.status === 'not-started') return end('not-started', { code: absentOr(outcome.code, run) });
  // Also after a normal exit: what it left behind must not go on changing the directory.
  const grace_ms = outcome.status === 'breached' ? 0 : run.kill_grace_ms;
  if (child.pid !== undefined) await endGroup(child.pid, grace_ms, run.confined?.sandbox.mode === 'bubblewrap');
  unguard?.();
  await Promise.race([closed, pause(PIPES_WAIT_MS_MAX, undefined, { ref: false })]);
  child.stdout?.destroy();
  child.stderr?.destroy();
  const breach = outcome.breach ?? fileBreach(run, outcome.exit_code, output);
  return breach === null ? end(outcome.status, { exit_code: outcome.exit_code }) : end('breached', { breach });
}

/** What really is started. A program that is not there is told from here: the wrapper is. */
function commandOf(run: ProcessRun): readonly string[] | { readonly code: string } {
  if (run.confined === undefined) return run.command;
  const { sandbox, writable, readable } = run.confined;
  const [program = ''] = run.command;
  const found = findProgram(program, run.environment['PATH'] ?? '', run.directory);
  if ('code' in found) return found;
  const confined = { directory: run.directory, writable, readable, environment: run.environment };
  return sandbox.hides(found.path, confined) ? { code: 'HIDDEN' } : sandbox.wrap(run.command, confined);
}

/** SIGXFSZ, as shells count; programs that ignore it get EFBIG and mostly say so. */
const EXIT_FILE_TOO_LARGE = 128 + 25;
const SAYS_FILE_TOO_LARGE = /\bEFBIG\b|File too large/;

function fileBreach(run: ProcessRun, exit_code: number | null, output: TailBuffer): Breach | null {
  if (run.confined === undefined || exit_code === null || exit_code === 0) return null;
  if (exit_code !== EXIT_FILE_TOO_LARGE && !SAYS_FILE_TOO_LARGE.test(output.bytes().toString('latin1'))) return null;
  return { limit: 'file-size', max: run.confined.sandbox.limits.file_bytes_max };
}

/** Some faults are thrown (a program too long, a NUL byte), others come as an event. */
function start(run: ProcessRun, command: readonly string[]): ChildProcess | { readonly code: string } {
  const [program = '', ...args] = command;
  try {
    return spawn(program, args, {
      cwd: run.directory,
      env: run.environment,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    });
  } catch (error) {
    return { code: codeOf(error) ?? 'EINVAL' };
  }
}

/** EACCES is also what the system says where a program is nowhere on PATH but one of the directories may not be read. */
function absentOr(code: string, run: ProcessRun): string {
  const program = run.command[0] ?? '';
  if (code !== 'EACCES' || program.includes('/')) return code;
  const directories = (run.environment['PATH'] ?? '').split(':');
  return directories.some((directory) => existsSync(join(directory, program))) ? code : 'ENOENT';
}

interface Outcome {
  readonly status: ProcessEnd['status'];
  readonly exit_code: number | null;
  readonly code: string;
  readonly breach: Breach | null;
}

function firstOf(child: ChildProcess, run: ProcessRun, stop: AbortController): Promise<Outcome> {
  return new Promise((resolve) => {
    const settle = (status: Outcome['status'], rest: Partial<Outcome> = {}): void => {
      clearTimeout(timer);
      unwatch();
      run.signal.removeEventListener('abort', onAbort);
      stop.signal.removeEventListener('abort', onBreach);
      resolve({ status, exit_code: null, code: '', breach: null, ...rest });
    };
    const onAbort = (): void => {
      settle('aborted');
    };
    const onBreach = (): void => {
      settle('breached', { breach: stop.signal.reason as Breach });
    };
    const timer = setTimeout(() => {
      settle('timed-out');
    }, run.timeout_ms);
    run.signal.addEventListener('abort', onAbort, { once: true });
    stop.signal.addEventListener('abort', onBreach, { once: true });
    const limits = run.confined?.sandbox.limits;
    const unwatch =
      limits === undefined || child.pid === undefined
        ? () => undefined
        : watchLimits(child.pid, {
            limits,
            onBreach: (breach) => {
              stop.abort(breach);
            },
          });
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) settle('not-started', { code: error.code ?? 'EINVAL' });
    });
    child.once('exit', (code, signal) => {
      settle('exited', { exit_code: code ?? 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 0) });
    });
  });
}

/**
 * A sandbox's leader is its door: asked to stop, it would close at once with everybody in it, so that only those inside are
 * asked. Killing it ends them all in the kernel.
 */
async function endGroup(group: number, grace_ms: number, is_sandbox: boolean): Promise<void> {
  let members = runningMembers(group);
  if (members.length === 0) return;
  if (grace_ms > 0) signalAll(is_sandbox ? members.filter((id) => id !== group) : [-group, ...members], 'SIGTERM');
  const kill_at = performance.now() + grace_ms;
  const give_up_at = kill_at + KILLED_WAIT_MS_MAX;
  while (performance.now() < give_up_at) {
    if (performance.now() >= kill_at) signalAll([-group, ...members], 'SIGKILL');
    await pause(GONE_POLL_MS);
    members = runningMembers(group);
    if (members.length === 0) return;
  }
}

function signalAll(ids: readonly number[], signal: 'SIGTERM' | 'SIGKILL'): void {
  for (const id of ids) {
    try {
      process.kill(id, signal);
    } catch {
      // ESRCH: it went by itself in between, which is what was wanted.
    }
  }
}

/** Elsewhere than on Linux only the group as a whole can be asked about, as the leader's own id. */
function runningMembers(group: number): readonly number[] {
  if (process.platform !== 'linux') return groupExists(group) ? [group] : [];
  return membersOf(readProcesses(), group).map(({ id }) => id);
}

function groupExists(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** The code of a system error, by shape: errors may come from another realm. */
export const codeOf = (error: unknown): string | null =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : null;
