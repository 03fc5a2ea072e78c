/** A stack of its own for one benchmark run: started by the command that everybody uses, thrown away afterwards. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);
const BATON = resolve(import.meta.dirname, '../../apps/cli/bin/baton.js');
const UP_MS_MAX = 120_000;
/** As many agents side by side as the widest scenario has missions in flight. */
const WORK_SLOTS = 256;

const stackSchema = z.object({
  nats_url: z.string(),
  services: z.object({ intake: z.string() }).loose(),
  processes: z.record(z.string(), z.object({ pid: z.number().int() })),
});
const secretsSchema = z.object({ nkeys: z.object({ cli: z.object({ seed: z.string() }) }).loose() });

export interface BenchStack {
  readonly intake_url: string;
  readonly nats_url: string;
  readonly nkey_seed: string;
  /** Name of the part → its process. */
  readonly pids: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

export async function startStack(): Promise<BenchStack> {
  const home = await mkdtemp(join(tmpdir(), 'baton-bench-'));
  const env = { ...process.env, BATON_WORK_SLOTS: String(WORK_SLOTS), BATON_HOME: home };
  const stop = async (): Promise<void> => {
    await run(process.execPath, [BATON, 'down', '--home', home], { env, timeout: UP_MS_MAX });
    await rm(home, { recursive: true, force: true });
  };
  try {
    await run(process.execPath, [BATON, 'up', '--home', home], { env, timeout: UP_MS_MAX });
    const stack = stackSchema.parse(JSON.parse(await readFile(join(home, 'stack.json'), 'utf8')));
    const secrets = secretsSchema.parse(JSON.parse(await readFile(join(home, 'secrets.json'), 'utf8')));
    const pids = Object.fromEntries(Object.entries(stack.processes).map(([name, { pid }]) => [name, pid]));
    return { intake_url: stack.services.intake, nats_url: stack.nats_url, nkey_seed: secrets.nkeys.cli.seed, pids, stop };
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
}
