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
const UP_MS_MAX = 120_000;
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
});

export interface BenchStack {
  readonly intake_url: string;
  readonly nats_url: string;
  readonly nkey_seed: string;
  /** The log, as the role that reads everything and writes nothing. */
  readonly auditor_url: string;
  /** Every other process of the stack is its child. */
  readonly supervisor_pid: number;
  /** Name of the part → its process. */
  readonly pids: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

/** In the repository and not in /tmp: that is memory on many systems, where a commit costs nothing. */
export async function benchDirectory(name: string): Promise<string> {
  const cache = join(REPOSITORY, '.cache');
  await mkdir(cache, { recursive: true });
  return mkdtemp(join(cache, `bench-${name}-`));
}

export async function startStack(): Promise<BenchStack> {
  const home = await benchDirectory('baton');
  const env = { ...process.env, BATON_WORK_SLOTS: String(WORK_SLOTS), BATON_HOME: home };
  const stop = async (): Promise<void> => {
    await run(process.execPath, [BATON, 'down', '--home', home], { env, timeout: UP_MS_MAX });
    // Started by root, the cluster may lie elsewhere and be linked from here.
    await removePostgresData(join(home, 'postgres'));
    await rm(home, { recursive: true, force: true });
  };
  try {
    await run(process.execPath, [BATON, 'up', '--home', home], { env, timeout: UP_MS_MAX });
    const stack = stackSchema.parse(JSON.parse(await readFile(join(home, 'stack.json'), 'utf8')));
    const secrets = secretsSchema.parse(JSON.parse(await readFile(join(home, 'secrets.json'), 'utf8')));
    const pids = Object.fromEntries(Object.entries(stack.processes).map(([name, { pid }]) => [name, pid]));
    return {
      intake_url: stack.services.intake,
      nats_url: stack.nats_url,
      nkey_seed: secrets.nkeys.cli.seed,
      auditor_url: databaseUrl(stack.postgres_url, { user: AUDITOR_ROLE, password: secrets.postgres[AUDITOR_ROLE] ?? '' }),
      supervisor_pid: stack.supervisor.pid,
      pids,
      stop,
    };
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
}
