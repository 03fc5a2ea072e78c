/** A stack of its own for one benchmark run: started by the command that everybody uses, thrown away afterwards. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { AUDITOR_ROLE } from '@baton/contracts';
import { databaseUrl, removePostgresData } from '@baton/tools';
import { z } from 'zod';

const run = promisify(execFile);
const REPOSITORY = resolve(import.meta.dirname, '../..');
const BATON = join(REPOSITORY, 'apps/cli/bin/baton.js');
/** Starting, and verifying a million events. */
const COMMAND_MS_MAX = 300_000;
/** As many agents side by side as the widest scenario has missions in flight. */
const WORK_SLOTS = 256;

const stackSchema = z.object({
  supervisor: z.object({ pid: z.number().int() }),
  postgres_url: z.string(),
  nats_url: z.string(),
  services: z.object({ intake: z.string() }).loose(),
  processes: z.record(z.string(), z.object({ pid: z.number().int() })),
});
const secretsSchema = z.object({
  nkeys: z.object({ cli: z.object({ seed: z.string() }) }).loose(),
  postgres: z.record(z.string(), z.string()),
  postgres_superuser: z.string(),
});

export interface BenchStack {
  readonly intake_url: string;
  readonly nats_url: string;
  readonly nkey_seed: string;
  /** The log, as the role that reads everything and writes nothing. */
  readonly auditor_url: string;
  readonly superuser_password: string;
  /** Every other process of the stack is its child. */
  readonly supervisor_pid: number;
  /** Name of the part → its process. */
  readonly pids: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

/** A home directory, on which the stack is up or down. */
export interface StackHome {
  readonly directory: string;
  up(): Promise<BenchStack>;
  down(): Promise<void>;
  /** Throws with what it said where it failed. */
  baton(...args: readonly string[]): Promise<string>;
  remove(): Promise<void>;
}

/** In the repository and not in /tmp: that is memory on many systems, where a commit costs nothing. */
export async function benchDirectory(name: string): Promise<string> {
  const cache = join(REPOSITORY, '.cache');
  await mkdir(cache, { recursive: true });
  return mkdtemp(join(cache, `bench-${name}-`));
}

/** What would go on running without us: for a benchmark that is broken off. */
const started = new Set<() => Promise<void>>();

/** Counts what was started until it is removed; removing twice is once. */
export function removedOnce(remove: () => Promise<void>): () => Promise<void> {
  let removing: Promise<void> | undefined;
  const once = (): Promise<void> => (removing ??= remove().finally(() => started.delete(once)));
  started.add(once);
  return once;
}

export async function removeAllStarted(): Promise<void> {
  await Promise.allSettled([...started].map((remove) => remove()));
}

export async function stackHome(): Promise<StackHome> {
  const home = await benchDirectory('baton');
  const env = { ...process.env, BATON_WORK_SLOTS: String(WORK_SLOTS), BATON_HOME: home };
  const baton = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run(process.execPath, [BATON, ...args, '--home', home], { env, timeout: COMMAND_MS_MAX });
    return stdout;
  };
  const down = async (): Promise<void> => void (await baton('down'));
  let starting: Promise<unknown> = Promise.resolve();
  const remove = removedOnce(async () => {
    // One that is broken off while it starts would go on doing so.
    await starting.catch(() => undefined);
    await down();
    // Started by root, the cluster may lie elsewhere and be linked from here.
    await removePostgresData(join(home, 'postgres'));
    await rm(home, { recursive: true, force: true });
  });
  return {
    directory: home,
    baton,
    down,
    remove,
    up: async () => {
      await (starting = baton('up'));
      const stack = stackSchema.parse(JSON.parse(await readFile(join(home, 'stack.json'), 'utf8')));
      const secrets = secretsSchema.parse(JSON.parse(await readFile(join(home, 'secrets.json'), 'utf8')));
      return {
        intake_url: stack.services.intake,
        nats_url: stack.nats_url,
        nkey_seed: secrets.nkeys.cli.seed,
        auditor_url: databaseUrl(stack.postgres_url, { user: AUDITOR_ROLE, password: secrets.postgres[AUDITOR_ROLE] ?? '' }),
        superuser_password: secrets.postgres_superuser,
        supervisor_pid: stack.supervisor.pid,
        pids: Object.fromEntries(Object.entries(stack.processes).map(([name, { pid }]) => [name, pid])),
        stop: remove,
      };
    },
  };
}

export async function startStack(): Promise<BenchStack> {
  const home = await stackHome();
  try {
    return await home.up();
  } catch (error) {
    await home.remove().catch(() => undefined);
    throw error;
  }
}
