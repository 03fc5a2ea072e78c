/** A nats-server with JetStream on a store directory: started, proved ready by its greeting, stopped without loss. */
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join, resolve } from 'node:path';

import { LOOPBACK, freePort, requireFreePort } from './free-port.ts';
import { NATS_PID_FILE, clearLeftover, natsLeftover } from './leftover.ts';
import { findNatsServer } from './nats-server-binary.ts';
import { type Log, startServerProcess, untilReady } from './server-process.ts';

export interface StartNats {
  readonly config_file: string;
  readonly store_dir: string;
  /** Free ones if left out; keep them across restarts by naming them. They win over those in the file. */
  readonly port?: number | undefined;
  readonly monitor_port?: number | undefined;
  /** What `$NAME` in the file stands for; nothing else of our environment is handed on but PATH. */
  readonly env: Readonly<Record<string, string>>;
  readonly log_file: string;
  /** Stop a server that an earlier run has left on this store, instead of refusing. */
  readonly take_over?: boolean | undefined;
  readonly log: Log;
}

export interface RunningNats {
  readonly url: string;
  readonly monitor_url: string;
  readonly port: number;
  readonly monitor_port: number;
  readonly pid: number;
  /** Flushes its store and ends. */
  stop(): Promise<void>;
  /** As if it crashed. */
  kill(): Promise<void>;
}

/**
 * One processor carries far more messages than a stack on one machine makes, and a Go program that may use several spends a
 * fifth more on waking its own threads.
 */
const PROCESSORS_MAX = 1;
/** Recovering a large store takes its time; the greeting comes when it is done. */
const READY_MS_MAX = 120_000;
const GREETING_MS_MAX = 1_000;

export async function startNats(start: StartNats): Promise<RunningNats> {
  const store_dir = resolve(start.store_dir);
  await mkdir(store_dir, { recursive: true });
  await mkdir(dirname(resolve(start.log_file)), { recursive: true });
  // nats-server takes no lock on its store: two on the same one destroy it.
  await clearLeftover(natsLeftover(store_dir, start.take_over ?? false, start.log));
  const command = await findNatsServer({ log: start.log });
  const port = start.port ?? (await freePort());
  const monitor_port = start.monitor_port ?? (await freePort());
  await requireFreePort(port, 'nats-server');
  await requireFreePort(monitor_port, 'the monitoring of nats-server');

  const server = await startServerProcess({
    command,
    args: [
      ...[
        '--config',
        resolve(start.config_file),
        '--jetstream',
        '--store_dir',
        store_dir,
        '--pid',
        join(store_dir, NATS_PID_FILE),
      ],
      ...['--addr', LOOPBACK, '--port', String(port), '--http_port', String(monitor_port)],
    ],
    cwd: store_dir,
    env: { PATH: process.env.PATH, GOMAXPROCS: String(PROCESSORS_MAX), ...start.env },
    log_file: resolve(start.log_file),
    account: null,
  });
  await untilReady('nats-server', server, READY_MS_MAX, () => greets(port));
  return {
    url: `nats://${LOOPBACK}:${port}`,
    monitor_url: `http://${LOOPBACK}:${monitor_port}`,
    port,
    monitor_port,
    pid: server.pid,
    stop: () => server.stop('SIGTERM'),
    kill: () => server.kill(),
  };
}

/** Stops the server an earlier run has left on this store, if there is one. */
export async function stopLeftoverNats(store_dir: string, log: Log): Promise<void> {
  await clearLeftover(natsLeftover(resolve(store_dir), true, log));
}

/** A server greets with one INFO line, before anybody logs in. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: LOOPBACK });
    let greeting = '';
    const done = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(GREETING_MS_MAX, () => done(false));
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
    socket.on('data', (chunk) => {
      greeting += chunk.toString('latin1');
      if (greeting.includes('\r\n')) done(greeting.startsWith('INFO '));
    });
  });
}
