/** Runs the built `baton` the way a person does: as a process, with arguments, for an exit code. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { AUDITOR_ROLE, type ServiceName } from '@baton/contracts';
import { databaseUrl, removePostgresData } from '@baton/tools';

export const REPOSITORY = resolve(import.meta.dirname, '../../..');

export interface Ran {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Baton {
  readonly home: string;
  /** A directory for repositories and signals, removed with the home. */
  readonly directory: string;
  run(...args: readonly string[]): Promise<Ran>;
  /** With --json: the last line of standard output, parsed. */
  json<T>(...args: readonly string[]): Promise<Ran & { readonly answer: T }>;
  /** `stack.json`, as it is now. */
  stack(): Promise<{
    readonly supervisor: { readonly pid: number };
    readonly postgres_url: string;
    readonly nats_url: string;
    readonly nats_monitor_url: string;
    /** Service → its HTTP address. */
    readonly services: Readonly<Record<ServiceName, string>>;
    readonly processes: Readonly<Record<string, { readonly pid: number; readonly restarts: number }>>;
  }>;
  /** One process of it. */
  part(name: string): Promise<{ readonly pid: number; readonly restarts: number }>;
  /** Stops what runs and removes every file. */
  remove(): Promise<void>;
}

export async function batonAt(home_name: string, environment: Readonly<Record<string, string>> = {}): Promise<Baton> {
  const directory = await mkdtemp(join(process.env.BATON_TEST_RUN_DIRECTORY ?? tmpdir(), 'baton-'));
  // Postgres may run as another account than ours, and has to get to its directory in here.
  await chmod(directory, 0o755);
  const home = join(directory, home_name);
  const run: Baton['run'] = (...args) =>
    new Promise((done, reject) => {
      const child = spawn(process.execPath, [join(REPOSITORY, 'apps/cli/bin/baton.js'), ...args], {
        cwd: directory,
        env: {
          PATH: process.env.PATH,
          HOME: process.env.HOME,
          TMPDIR: process.env.TMPDIR,
          BATON_HOME: home,
          NO_COLOR: '1',
          ...environment,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (chunk) => (stdout += String(chunk)));
      child.stderr.on('data', (chunk) => (stderr += String(chunk)));
      child.once('error', reject);
      child.once('close', (exit) => {
        done({ exit, stdout, stderr });
      });
    });
  const stack: Baton['stack'] = async () =>
    JSON.parse(await readFile(join(home, 'stack.json'), 'utf8')) as Awaited<ReturnType<Baton['stack']>>;
  return {
    home,
    directory,
    run,
    json: async <T>(...args: readonly string[]) => {
      const ran = await run(...args, '--json');
      const last = ran.stdout.trim().split('\n').at(-1) ?? '';
      try {
        return { ...ran, answer: JSON.parse(last) as T };
      } catch (cause) {
        throw new Error(`baton ${args.join(' ')} --json answered no JSON but: ${ran.stdout}${ran.stderr}`, { cause });
      }
    },
    stack,
    part: async (name) => {
      const part = (await stack()).processes[name];
      if (part === undefined) throw new Error(`the stack has no part ${name}`);
      return part;
    },
    remove: async () => {
      await run('down');
      await removePostgresData(join(home, 'postgres'));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** What has ended but was not waited for by whoever inherited it does nothing any more. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return stat.charAt(stat.lastIndexOf(')') + 2) !== 'Z';
  } catch {
    return false;
  }
}

/** Of the role that reads everything and writes nothing. */
export async function auditorUrl(baton: Baton): Promise<string> {
  const { postgres } = JSON.parse(await readFile(join(baton.home, 'secrets.json'), 'utf8')) as {
    postgres: Record<string, string>;
  };
  return databaseUrl((await baton.stack()).postgres_url, { user: AUDITOR_ROLE, password: postgres[AUDITOR_ROLE] ?? '' });
}
