/** Restate: its server, a worker with the workflow, and this process as the client that starts workflows and answers them over HTTP. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@baton/tools';
import { runLoad, type Done } from '../load.ts';
import { requireResults, type Results } from '../peer-messages.ts';
import { benchDirectory } from '../stack.ts';
import type { Engine, EngineKind } from './engine.ts';
import { PEERS, startWorker, stopProcess } from './worker.ts';

const READY_MS_MAX = 60_000;
const POLL_MS = 50;
/** Wider than the widest load, for a workflow is one request that is answered at its end. */
const SOCKETS_MAX = 600;
const HOST = '127.0.0.1';

export const RESTATE: EngineKind = {
  name: 'restate',
  driver: 'outside',
  differs:
    'one server with a log of its own instead of Postgres (its defaults, fsync of its log on) and one worker; the signal resolves an awakeable; the driver speaks HTTP',
  start: startRestate,
};

interface Server {
  readonly child: ChildProcess;
  readonly ingress: string;
  readonly admin: string;
}

async function startRestate(): Promise<Engine> {
  const directory = await benchDirectory('restate');
  const [ingress_port, admin_port, node_port, worker_port] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const startServer = (): Promise<Server> => serverOn(directory, ingress_port, admin_port, node_port);
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });
  let server: Server | undefined;
  const answered = new Set<string>();
  const approvalFailed = Promise.withResolvers<never>();
  approvalFailed.promise.catch(() => undefined);
  const onWaiting = (id: string, signal: string): void => {
    // A workflow that is replayed waits a second time for the same answer.
    if (server === undefined || answered.has(id)) return;
    answered.add(id);
    call(agent, 'POST', `${server.ingress}/restate/awakeables/${signal}/resolve`, '"approve"').catch(approvalFailed.reject);
  };
  const worker = await startWorker('restate', { PEER_PORT: String(worker_port), RESTATE_LOGGING: 'ERROR' }, onWaiting);
  const stop = async (): Promise<void> => {
    agent.destroy();
    if (server) await stopProcess(server.child, 'SIGTERM');
    await worker.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const first = (server = await startServer());
    await call(agent, 'POST', `${first.admin}/deployments`, JSON.stringify({ uri: `http://${HOST}:${String(worker_port)}` }));
    return {
      pids: { 'restate-server': first.child.pid ?? 0, worker: worker.pid },
      says: worker.says,
      run: (load) => Promise.race([runLoad(() => workflow(agent, first.ingress), load), approvalFailed.promise]),
      async provesDurable(ids) {
        await stopProcess(first.child, 'SIGKILL');
        server = await startServer();
        for (const id of ids) {
          const output = await call(agent, 'GET', `${server.ingress}/restate/workflow/mission/${id}/output`);
          requireResults(id, JSON.parse(output));
        }
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function workflow(agent: Agent, ingress: string): Promise<Done> {
  const started = performance.now();
  const id = randomUUID();
  const results = JSON.parse(await call(agent, 'POST', `${ingress}/mission/${id}/run`)) as Results;
  const took_ms = performance.now() - started;
  requireResults(id, results);
  return { id, took_ms };
}

async function serverOn(directory: string, ingress_port: number, admin_port: number, node_port: number): Promise<Server> {
  const log_file = join(directory, 'restate.log');
  const log = openSync(log_file, 'a');
  const at = (port: number): string => `${HOST}:${String(port)}`;
  const child = spawn(serverBinary(), ['--base-dir', join(directory, 'data')], {
    cwd: directory,
    stdio: ['ignore', log, log],
    // Its own process group: Ctrl-C in a terminal reaches only the benchmark, which stops everything in order.
    detached: true,
    env: {
      PATH: process.env['PATH'],
      // It leaves a directory there for each of its invokers.
      TMPDIR: directory,
      DO_NOT_TRACK: '1',
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LISTEN_MODE: 'tcp',
      RESTATE_NODE_NAME: 'bench',
      RESTATE_BIND_ADDRESS: at(node_port),
      RESTATE_ADVERTISED_ADDRESS: `http://${at(node_port)}`,
      RESTATE_INGRESS__BIND_ADDRESS: at(ingress_port),
      RESTATE_ADMIN__BIND_ADDRESS: at(admin_port),
      RESTATE_LOG_FILTER: 'warn',
    },
  });
  closeSync(log);
  const server = { child, ingress: `http://${at(ingress_port)}`, admin: `http://${at(admin_port)}` };
  const deadline = performance.now() + READY_MS_MAX;
  const isUp = async (url: string): Promise<boolean> =>
    fetch(url).then(
      (answer) => answer.ok,
      () => false,
    );
  while (!((await isUp(`${server.admin}/health`)) && (await isUp(`${server.ingress}/restate/health`)))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await stopProcess(child, 'SIGKILL');
      throw new Error(`restate-server was not ready; it wrote:\n${readFileSync(log_file, 'utf8').slice(-4_000)}`);
    }
    await delay(POLL_MS);
  }
  return server;
}

/** The program itself: the script that the package brings would be one process more. */
function serverBinary(): string {
  const through = createRequire(join(PEERS, 'package.json'));
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}`;
  const inner = createRequire(through.resolve('@restatedev/restate-server/package.json'));
  return join(dirname(inner.resolve(`${name}/package.json`)), 'bin', 'restate-server');
}

function call(agent: Agent, method: 'GET' | 'POST', url: string, body?: string): Promise<string> {
  const headers =
    body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if ((response.statusCode ?? 0) < 300) resolve(text);
        else reject(new Error(`Restate answered ${String(response.statusCode)} to ${method} ${url}: ${text}`));
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
