/** One server as a child process: its output goes to a file, its end is seen, and it can be stopped for certain. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import type { Account } from './account.ts';

export type Log = (message: string) => void;

// Longer than a fast shutdown with a full checkpoint takes on a slow disk; after it the process is killed.
const STOP_MS_MAX = 30_000;
const POLL_MS = 50;
// Beyond it the file begins anew at the next start, so that a stack started for years fills no disk.
const LOG_BYTES_MAX = 10_000_000;
const TAIL_CHARS = 4_000;

export interface ServerProcess {
  readonly pid: number;
  /** Resolves with how it ended; never rejects. */
  readonly ended: Promise<string>;
  running(): boolean;
  /** The end of what it has written since it was started. */
  output(): string;
  /** Asks with `signal`, waits, and kills what does not listen. Stopping twice is fine. */
  stop(signal: NodeJS.Signals): Promise<void>;
  kill(): Promise<void>;
}

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log_file: string;
  /** Null: as whoever runs this. */
  readonly account: Account | null;
}

export async function startServerProcess(server: ServerCommand): Promise<ServerProcess> {
  const written = statSync(server.log_file, { throwIfNoEntry: false })?.size ?? 0;
  const log_start = written > LOG_BYTES_MAX ? 0 : written;
  if (log_start < written) truncateSync(server.log_file);
  const log_fd = openSync(server.log_file, 'a');
  const child = spawn(server.command, server.args, {
    cwd: server.cwd,
    env: server.env,
    stdio: ['ignore', log_fd, log_fd],
    // Its own process group: Ctrl-C in a terminal reaches only the caller, who stops the servers last.
    detached: true,
    ...(server.account && { uid: server.account.uid, gid: server.account.gid }),
  });
  closeSync(log_fd);
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => reject(new Error(`cannot start ${server.command}: ${cause.message}`, { cause })));
  });
  const running = () => child.exitCode === null && child.signalCode === null;
  const kill = async () => {
    if (running()) child.kill('SIGKILL');
    await ended;
  };
  return {
    pid: child.pid as number,
    ended,
    running,
    output: () => readFileSync(server.log_file).subarray(log_start).toString('utf8').slice(-TAIL_CHARS),
    stop: async (signal) => {
      if (running()) child.kill(signal);
      const abandoned = new AbortController();
      const patience = delay(STOP_MS_MAX, 'late', { signal: abandoned.signal }).catch(() => 'ended');
      if ((await Promise.race([ended, patience])) === 'late') await kill();
      abandoned.abort();
    },
    kill,
  };
}

/** Asks `ready` again and again until it answers true; throws at the end of the process or of the time. */
export async function untilReady(
  name: string,
  process: ServerProcess,
  within_ms: number,
  ready: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + within_ms;
  while (!(process.running() && (await ready()))) {
    if (!process.running()) throw new Error(`${name} ended (${await process.ended}) before it was ready:\n${process.output()}`);
    if (performance.now() > deadline) {
      await process.kill();
      throw new Error(`${name} was not ready within ${within_ms} ms and was killed; it wrote:\n${process.output()}`);
    }
    await delay(POLL_MS);
  }
}
