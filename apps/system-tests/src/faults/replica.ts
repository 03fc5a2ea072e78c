/** A second process of a service, as in a cluster: the same command and environment as the first, on a port of its own. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServiceName } from '@baton/contracts';
import { eventually, freePort } from '@baton/tools';
import { READY_WITHIN_MS, type Ground } from './ground.ts';

export interface Replica {
  readonly pid: number;
  readonly url: string;
  readonly log: () => Promise<string>;
}

let replicas = 0;

/** Ready when it resolves; ended with the test. */
export async function startReplica(ground: Ground, service: ServiceName): Promise<Replica> {
  const { pid } = await ground.baton.part(service);
  const [command = '', ...args] = nullSeparated(await readFile(`/proc/${pid}/cmdline`, 'utf8'));
  const environment = nullSeparated(await readFile(`/proc/${pid}/environ`, 'utf8')).map((entry) => {
    const at = entry.indexOf('=');
    return [entry.slice(0, at), entry.slice(at + 1)] as const;
  });
  const port = await freePort();
  const log_file = join(ground.baton.home, 'logs', `${service}-replica-${String(++replicas)}.log`);
  const log_fd = openSync(log_file, 'a');
  const child = spawn(command, args, {
    cwd: ground.baton.home,
    env: { ...Object.fromEntries(environment), BATON_HTTP_PORT: String(port) },
    stdio: ['ignore', log_fd, log_fd],
  });
  closeSync(log_fd);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
  ground.cleanup.add(async () => {
    // One that was stopped has to go on to be told to end.
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    await ended;
  });
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => (await fetch(`${url}/readyz`)).ok, {
    within_ms: READY_WITHIN_MS,
    what: `a second ${service} is ready`,
  });
  return { pid: child.pid as number, url, log: () => readFile(log_file, 'utf8') };
}

const nullSeparated = (text: string): readonly string[] => text.split('\0').filter((part) => part !== '');
