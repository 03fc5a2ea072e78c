/** A server that outlived whoever started it is found by its pid file, before a second one is let at the same data. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { Log } from './server-process.ts';

export const NATS_PID_FILE = 'nats-server.pid';

const STOP_MS_MAX = 30_000;
const POLL_MS = 50;

export interface Leftover {
  readonly name: string;
  readonly pid_file: string;
  /** What the command line of such a server holds, so that a recycled pid is not mistaken for it. */
  readonly directory: string;
  readonly stop_signal: NodeJS.Signals;
  /** Stop a server that still runs instead of refusing. */
  readonly take_over: boolean;
  readonly log: Log;
}

export const postgresLeftover = (data_dir: string, take_over: boolean, log: Log): Leftover => ({
  name: 'Postgres',
  pid_file: join(data_dir, 'postmaster.pid'),
  directory: data_dir,
  stop_signal: 'SIGINT',
  take_over,
  log,
});

export const natsLeftover = (store_dir: string, take_over: boolean, log: Log): Leftover => ({
  name: 'nats-server',
  pid_file: join(store_dir, NATS_PID_FILE),
  directory: store_dir,
  stop_signal: 'SIGTERM',
  take_over,
  log,
});

/** Afterwards no server runs on the directory and no pid file is in the way; throws when one runs that may not be stopped. */
export async function clearLeftover(leftover: Leftover): Promise<void> {
  if (!existsSync(leftover.pid_file)) return;
  const pid = Number.parseInt(readFileSync(leftover.pid_file, 'utf8'), 10);
  if (Number.isInteger(pid) && pid > 0 && commandLine(pid).includes(leftover.directory)) {
    if (!leftover.take_over) {
      throw new Error(
        `${leftover.name} already runs on ${leftover.directory} as process ${pid}: ` +
          `use that one, or end it with \`kill -${leftover.stop_signal.slice(3)} ${pid}\` and start again`,
      );
    }
    leftover.log(`${leftover.name}: stopping process ${pid}, left over from an earlier run`);
    process.kill(pid, leftover.stop_signal);
    await untilGone(leftover.name, pid);
  }
  // Its process is gone, or the number now belongs to another program, which the server itself could not tell.
  rmSync(leftover.pid_file, { force: true });
}

async function untilGone(name: string, pid: number): Promise<void> {
  const deadline = performance.now() + STOP_MS_MAX;
  while (commandLine(pid) !== '') {
    if (performance.now() > deadline)
      throw new Error(`${name}: process ${pid} did not stop within ${STOP_MS_MAX} ms: end it with \`kill -9 ${pid}\``);
    await delay(POLL_MS);
  }
}

/** Empty when there is no such process, or only what is left of one that its parent has not looked at yet. */
function commandLine(pid: number): string {
  try {
    if (existsSync('/proc/self/cmdline')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}
