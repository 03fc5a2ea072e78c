/** `baton up`: afterwards a stack runs on the home directory, and goes on running when the terminal is closed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICE_NAMES } from '@baton/contracts';
import { CliProblem, EXIT, type ExitCode } from '../exit-codes.ts';
import { prepareHome, requireStack, runningStack, type Home, type Stack } from './home.ts';
import { entryOf } from './parts.ts';
import type { SupervisorMessage } from '../supervisor.ts';

export interface Up {
  readonly home: Home;
  readonly environment: NodeJS.ProcessEnv;
  readonly progress: (text: string) => void;
  /** Gives the start up: whoever asked for it does not want it any more. */
  readonly interrupted: AbortSignal;
}

export interface UpResult {
  readonly stack: Stack;
  readonly already: boolean;
}

export async function up({ home, environment, progress, interrupted }: Up): Promise<UpResult> {
  const running = runningStack(home);
  if (running?.status === 'running') return { stack: running, already: true };
  prepareHome(home);
  requireBuilt();
  const log = openSync(join(home.logs, 'supervisor.log'), 'a');
  const child = spawn(process.execPath, ['--enable-source-maps', join(import.meta.dirname, '..', 'supervisor.js')], {
    env: { ...environment, BATON_HOME: home.directory },
    cwd: home.directory,
    // Its own session: closing the terminal or Ctrl-C does not reach it.
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const giveUp = (): void => void child.kill('SIGTERM');
  interrupted.addEventListener('abort', giveUp);
  await ready(child, home, progress);
  interrupted.removeEventListener('abort', giveUp);
  child.disconnect();
  child.unref();
  return { stack: requireStack(home), already: false };
}

function ready(child: ChildProcess, home: Home, progress: (text: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const where = `see ${join(home.logs, 'supervisor.log')}`;
    child.once('error', (cause) => {
      reject(new CliProblem(EXIT.unexpected, `the supervisor cannot be started: ${cause.message}`, '', { cause }));
    });
    child.once('exit', (code, signal) => {
      reject(
        new CliProblem(
          EXIT.unexpected,
          `the supervisor ended (${signal ?? `exit code ${String(code)}`}) before the stack was ready`,
          where,
        ),
      );
    });
    child.on('message', (message: SupervisorMessage) => {
      if (message.type === 'progress') progress(message.text);
      if (message.type === 'ready') resolve();
      if (message.type === 'failed') reject(new CliProblem(message.exit as ExitCode, message.message, message.fix));
    });
  });
}

function requireBuilt(): void {
  const missing = SERVICE_NAMES.filter((service) => !existsSync(entryOf(service)));
  if (missing.length > 0)
    throw new CliProblem(EXIT.invalid, `not built: ${missing.join(', ')}`, 'run `npm run build` in the repository');
}
