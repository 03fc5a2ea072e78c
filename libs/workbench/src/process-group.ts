/**
 * A program runs in a process group of its own, and when `runProcess` returns nothing of that group is running any more.
 * No shell is involved. What leaves both its group and its session (a daemon) is out of reach here: that takes a sandbox.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
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
}

export type ProcessEnd = {
  /** `not-started`: the program cannot be run, `code` says why (ENOENT, EACCES, …). */
  readonly status: 'exited' | 'timed-out' | 'aborted' | 'not-started';
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
  const end = (status: ProcessEnd['status'], exit_code: number | null, code: string | null): ProcessEnd => {
    const kept = output.bytes();
    return {
      status,
      exit_code,
      code,
      stdout: stdout.bytes(),
      output: kept,
      dropped_bytes: output.pushed - kept.length,
      duration_ms: performance.now() - started,
    };
  };
  if (run.signal.aborted) return end('aborted', null, null);

  const child = start(run);
  if ('code' in child) return end('not-started', null, child.code);
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout.push(chunk);
    output.push(chunk);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    output.push(chunk);
  });
  // EPIPE: a program may answer without reading what it was given.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(run.input);

  const closed = new Promise<void>((resolve) =>
    child.once('close', () => {
      resolve();
    }),
  );
  const outcome = await firstOf(child, run);
  if (outcome.status === 'not-started') return end('not-started', null, absentOr(outcome.code, run));
  // Also after a normal exit: what it left behind must not go on changing the directory.
  if (child.pid !== undefined) await endGroup(child.pid, run.kill_grace_ms);
  await Promise.race([closed, pause(PIPES_WAIT_MS_MAX, undefined, { ref: false })]);
  child.stdout?.destroy();
  child.stderr?.destroy();
  return end(outcome.status, outcome.exit_code, null);
}

/** Some faults are thrown (a program too long, a NUL byte), others come as an event. */
function start(run: ProcessRun): ChildProcess | { readonly code: string } {
  const [program = '', ...args] = run.command;
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

type Outcome =
  | { readonly status: 'exited'; readonly exit_code: number }
  | { readonly status: 'timed-out' | 'aborted'; readonly exit_code: null }
  | { readonly status: 'not-started'; readonly code: string; readonly exit_code: null };

function firstOf(child: ChildProcess, run: ProcessRun): Promise<Outcome> {
  return new Promise((resolve) => {
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer);
      run.signal.removeEventListener('abort', onAbort);
      resolve(outcome);
    };
    const onAbort = (): void => {
      settle({ status: 'aborted', exit_code: null });
    };
    const timer = setTimeout(() => {
      settle({ status: 'timed-out', exit_code: null });
    }, run.timeout_ms);
    run.signal.addEventListener('abort', onAbort, { once: true });
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) settle({ status: 'not-started', code: error.code ?? 'EINVAL', exit_code: null });
    });
    child.once('exit', (code, signal) => {
      settle({ status: 'exited', exit_code: code ?? 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 0) });
    });
  });
}

async function endGroup(group: number, grace_ms: number): Promise<void> {
  let members = runningMembers(group);
  if (members.length === 0) return;
  signalAll(group, members, 'SIGTERM');
  const kill_at = performance.now() + grace_ms;
  const give_up_at = kill_at + KILLED_WAIT_MS_MAX;
  while (performance.now() < give_up_at) {
    await pause(GONE_POLL_MS);
    members = runningMembers(group);
    if (members.length === 0) return;
    if (performance.now() >= kill_at) signalAll(group, members, 'SIGKILL');
  }
}

function signalAll(group: number, members: readonly number[], signal: 'SIGTERM' | 'SIGKILL'): void {
  for (const id of [-group, ...members]) {
    try {
      process.kill(id, signal);
    } catch {
      // ESRCH: it went by itself in between, which is what was wanted.
    }
  }
}

/**
 * Processes of the group or of the session it leads (job control moves children to other groups), without zombies:
 * those run nothing and may stay for ever where process 1 does not collect them. Elsewhere than on Linux only the
 * group as a whole can be asked about, as the leader's own id.
 */
function runningMembers(group: number): readonly number[] {
  if (process.platform !== 'linux') return groupExists(group) ? [group] : [];
  const members: number[] = [];
  for (const entry of readdirSync('/proc')) {
    const id = Number(entry);
    if (!Number.isInteger(id) || id === process.pid) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
      // "id (name) state parent group session …": the name may hold anything, also ")".
      const [state, , of_group, of_session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ', 4);
      if (state !== 'Z' && state !== 'X' && (Number(of_group) === group || Number(of_session) === group)) members.push(id);
    } catch {
      // Gone between the listing and the look.
    }
  }
  return members;
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
