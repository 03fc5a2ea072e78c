/** The directory of a local stack: what is where in it, and what is true about the stack that runs on it. */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { CliProblem, EXIT } from '../exit-codes.ts';
import { stillRuns } from './process-identity.ts';

export interface Home {
  readonly directory: string;
  readonly postgres: string;
  readonly nats: string;
  readonly logs: string;
  /** Clones and worktrees of the services. */
  readonly work: string;
  /** What is signed about the log, outside its database, and the public key to check it with. */
  readonly checkpoints: string;
  /** What runs now; gone after `down`. */
  readonly stack_file: string;
  /** Ports, so that addresses stay the same over `down` and `up`. */
  readonly ports_file: string;
  /** Passwords and nkeys, readable by the owner only. */
  readonly secrets_file: string;
  /** What single parts get beyond what all get; not there unless somebody wrote it. */
  readonly parts_file: string;
  /** Held by the supervisor: two on one directory would destroy it. */
  readonly lock_file: string;
}

export function homeAt(directory: string): Home {
  const at = (name: string): string => join(resolve(directory), name);
  return {
    directory: resolve(directory),
    postgres: at('postgres'),
    nats: at('nats'),
    logs: at('logs'),
    work: at('work'),
    checkpoints: at('checkpoints'),
    stack_file: at('stack.json'),
    ports_file: at('ports.json'),
    secrets_file: at('secrets.json'),
    parts_file: at('parts.json'),
    lock_file: at('supervisor.lock'),
  };
}

/** Makes the directory where it is missing; says plainly why it cannot be one. */
export function prepareHome(home: Home): void {
  try {
    for (const directory of [home.directory, home.logs, home.work]) mkdirSync(directory, { recursive: true });
    accessSync(home.directory, constants.W_OK);
  } catch (cause) {
    const found = statSync(home.directory, { throwIfNoEntry: false });
    const why = found && !found.isDirectory() ? 'it is a file' : (cause as Error).message;
    throw new CliProblem(
      EXIT.invalid,
      `${home.directory} cannot be the home of a stack: ${why}`,
      'name a directory you may write to, with --home DIR or BATON_HOME',
      { cause },
    );
  }
}

const processSchema = z.object({ pid: z.number().int(), started: z.string() });
const partSchema = processSchema.extend({ restarts: z.number().int() });

const stackSchema = z.object({
  baton: z.literal('stack/v1'),
  status: z.enum(['starting', 'running', 'stopping']),
  started_at: z.string(),
  supervisor: processSchema,
  /** Every process that was started, by name; also the ones that a killed supervisor left behind. */
  processes: z.record(z.string(), partSchema),
  /** Without user and password: those are in secrets.json. */
  postgres_url: z.string(),
  nats_url: z.string(),
  nats_monitor_url: z.string(),
  /** Service → its HTTP address. */
  services: z.record(z.string(), z.string()),
});
export type Stack = z.infer<typeof stackSchema>;

export const portsSchema = z.record(z.string(), z.number().int().min(1).max(65_535));

/** Null where no stack was ever started, or it was stopped properly. */
export const readStack = (home: Home): Stack | null => readJson(home.stack_file, stackSchema);

/** The stack, if its supervisor runs. */
export function runningStack(home: Home): Stack | null {
  const stack = readStack(home);
  return stack !== null && stillRuns(stack.supervisor) ? stack : null;
}

export function requireStack(home: Home): Stack {
  const stack = runningStack(home);
  if (stack !== null) return stack;
  const left = existsSync(home.stack_file) ? ' any more (its supervisor is gone)' : '';
  throw new CliProblem(
    EXIT.unreachable,
    `no stack runs on ${home.directory}${left}`,
    `start it with \`baton up\`, or name the directory of the one that runs with --home DIR or BATON_HOME`,
  );
}

export function readJson<T>(file: string, schema: z.ZodType<T>): T | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) return null;
    throw new CliProblem(
      EXIT.unexpected,
      `${file} cannot be read: ${(cause as Error).message}`,
      'mend its permissions, or choose another home with --home DIR',
      { cause },
    );
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new CliProblem(
      EXIT.invalid,
      `${file} is not what baton wrote there`,
      `restore it, or move ${dirname(file)} away to start anew`,
      { cause },
    );
  }
}

/** Whole or not at all: whoever reads meanwhile sees the old file or the new one. */
export function writeJson(file: string, value: unknown, mode = 0o644): void {
  const half = `${file}.${String(process.pid)}.new`;
  rmSync(half, { force: true });
  // On disk before it gets its name: after a power loss an empty file of passwords would lock us out of our own data.
  writeFileSync(half, `${JSON.stringify(value, null, 2)}\n`, { mode, flush: true });
  renameSync(half, file);
}
