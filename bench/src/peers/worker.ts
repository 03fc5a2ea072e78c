/** A peer's worker: a Node process of the package `bench/peers`, run straight from its sources, which answers one question at a time. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import type { Load, LoadResult } from '../load.ts';
import type { FromWorker, ToWorker } from '../peer-messages.ts';

export const PEERS = resolve(import.meta.dirname, '../../peers');
const STOP_MS_MAX = 10_000;

export interface Worker {
  readonly pid: number;
  /** Versions and settings, as the engine itself tells them. */
  readonly says: Readonly<Record<string, string>>;
  run(load: Load): Promise<LoadResult>;
  results(ids: readonly string[]): Promise<readonly unknown[]>;
  stop(): Promise<void>;
}

export type OnWaiting = (id: string, signal: string) => void;

export async function startWorker(name: string, env: NodeJS.ProcessEnv, onWaiting: OnWaiting = () => {}): Promise<Worker> {
  const child = fork(join(PEERS, 'src', `${name}.ts`), {
    // A setting of whoever starts the benchmark must not reach one engine and miss another.
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], NODE_ENV: 'production', DO_NOT_TRACK: '1', ...env },
    // What a peer's own code is warned of is nothing that its reader could mend.
    execArgv: ['--disable-warning=DeprecationWarning'],
    serialization: 'advanced',
    // Its own process group: Ctrl-C in a terminal reaches only the benchmark, which stops everything in order.
    detached: true,
  });
  const next = answers(name, child, onWaiting);
  const ready = await next('ready');
  const ask = (question: ToWorker): boolean => child.send(question);
  return {
    pid: child.pid ?? 0,
    says: ready.says,
    run: async (load) => {
      ask({ ask: 'run', load });
      return (await next('ran')).result;
    },
    results: async (ids) => {
      ask({ ask: 'results', ids });
      return (await next('results')).results;
    },
    stop: () => stopProcess(child, 'SIGTERM'),
  };
}

function answers(name: string, child: ChildProcess, onWaiting: OnWaiting) {
  type Answer = Exclude<FromWorker, { told: 'waiting' } | { told: 'failed' }>;
  let awaited = Promise.withResolvers<Answer>();
  // A worker that dies between two questions is told with the next.
  awaited.promise.catch(() => undefined);
  child.on('message', (message: FromWorker) => {
    if (message.told === 'waiting') onWaiting(message.id, message.signal);
    else if (message.told === 'failed') awaited.reject(new Error(`the worker of ${name} failed: ${message.message}`));
    else awaited.resolve(message);
  });
  child.on('error', (cause) => awaited.reject(new Error(`the worker of ${name} cannot be started: ${cause.message}`, { cause })));
  child.on('exit', (code, signal) =>
    awaited.reject(new Error(`the worker of ${name} ended (${signal ?? `exit code ${String(code)}`}); see what it wrote above`)),
  );
  return async <Told extends Answer['told']>(told: Told): Promise<Extract<Answer, { told: Told }>> => {
    const answer = await awaited.promise;
    awaited = Promise.withResolvers<Answer>();
    awaited.promise.catch(() => undefined);
    if (answer.told !== told) throw new Error(`the worker of ${name} answered ${answer.told} to what asks for ${told}`);
    return answer as Extract<Answer, { told: Told }>;
  };
}

/** Asks, waits, and kills what does not listen. */
export async function stopProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  await ended;
  clearTimeout(late);
}
