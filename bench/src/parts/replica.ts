/** A second process of a service, as in a cluster: the same command and environment as the first, on a port of its own (Linux /proc). */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServiceName } from '@baton/contracts';
import { eventually, freePort } from '@baton/tools';
import { z } from 'zod';
import type { StackHome } from '../stack.ts';

const READY_WITHIN_MS = 60_000;
const processesSchema = z.object({ processes: z.record(z.string(), z.object({ pid: z.number().int() })) });

export interface Replica {
  readonly pid: number;
  stop(): Promise<void>;
}

const nullSeparated = (text: string): readonly string[] => text.split('\0').filter((part) => part !== '');

/** Ready when it resolves. */
export async function startReplica(home: Pick<StackHome, 'directory'>, service: ServiceName): Promise<Replica> {
  const { processes } = processesSchema.parse(JSON.parse(await readFile(join(home.directory, 'stack.json'), 'utf8')));
  const first = processes[service];
  if (first === undefined) throw new Error(`the stack has no ${service}`);
  const [command = '', ...args] = nullSeparated(await readFile(`/proc/${String(first.pid)}/cmdline`, 'utf8'));
  const environment = nullSeparated(await readFile(`/proc/${String(first.pid)}/environ`, 'utf8')).map((entry) => {
    const at = entry.indexOf('=');
    return [entry.slice(0, at), entry.slice(at + 1)] as const;
  });
  const port = await freePort();
  const log = openSync(join(home.directory, 'logs', `${service}-replica.log`), 'a');
  const child = spawn(command, args, {
    cwd: home.directory,
    env: { ...Object.fromEntries(environment), BATON_HTTP_PORT: String(port) },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  try {
    await eventually(async () => (await fetch(`http://127.0.0.1:${String(port)}/readyz`)).ok, {
      within_ms: READY_WITHIN_MS,
      what: `a second ${service} is ready`,
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid as number, stop };
}
