/** One process started by the supervisor, with its output in a file that does not grow for ever. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, renameSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Running } from './keep-running.ts';

/** At a start, a longer log is put aside as `<name>.log.1`. */
const LOG_BYTES_MAX = 10_000_000;

export interface ServiceCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log_file: string;
  /** After SIGTERM; then it is killed. */
  readonly grace_ms: number;
}

export async function startService(service: ServiceCommand): Promise<Running> {
  if ((statSync(service.log_file, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX)
    renameSync(service.log_file, `${service.log_file}.1`);
  const log = openSync(service.log_file, 'a');
  const child = spawn(service.command, service.args, { cwd: service.cwd, env: service.env, stdio: ['ignore', log, log] });
  closeSync(log);
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve(signal === null ? `exit code ${String(code)}` : `signal ${signal}`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      reject(new Error(`cannot start ${service.command}: ${cause.message}`, { cause }));
    });
  });
  return {
    pid: child.pid as number,
    ended,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const patience = new AbortController();
      const late = delay(service.grace_ms, 'late' as const, { signal: patience.signal }).catch(() => 'ended' as const);
      if ((await Promise.race([ended, late])) === 'late') child.kill('SIGKILL');
      patience.abort();
      await ended;
    },
  };
}
