/** The process that stays after `baton up`: it starts every part, brings back what dies, and stops all when asked to. */
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { SERVICE_NAMES, type ServiceName } from '@baton/contracts';
import { PROVISIONER, type BusLogger } from '@baton/bus';
import { databaseUrl, overSocket, freePort, isPortFree, stopLeftoverNats, stopLeftoverPostgres } from '@baton/tools';
import { z } from 'zod';
import { CliProblem, EXIT } from '../exit-codes.ts';
import { portsSchema, prepareHome, readJson, readStack, writeJson, type Home, type Stack } from './home.ts';
import { keepRunning, type KeepRunning, type Kept, type Part } from './keep-running.ts';
import { LOOPBACK, NATS, PORTS, natsPart, postgresPart, servicePart, type Ports } from './parts.ts';
import { identify, signal, stillRuns, type ProcessIdentity } from './process-identity.ts';
import { provision } from './provision.ts';
import { allReady } from './readiness.ts';
import { ensureSecrets, keepSecrets, nkeyOf, type Secrets } from './secrets.ts';

const NATS_LOGIN_MS_MAX = 15_000;
const LEFTOVER_MS_MAX = 15_000;
const LEFTOVER_POLL_MS = 50;

const RELAY_HALTED =
  'the relay is halted, because the bus holds what the log does not: see deploy/runbooks/relay-halted.md (`baton rebuild bus`)';

export interface SupervisorOptions {
  readonly home: Home;
  /** A Postgres of one's own; undefined = the embedded one. */
  readonly pg_url: string | undefined;
  readonly log_level: string;
  readonly drain_grace_ms: number;
  /** `accept`: our own nats-server need not have on disk what it acknowledges. */
  readonly unsynced: 'accept' | 'refuse';
  readonly environment: NodeJS.ProcessEnv;
  /** What is under way, for whoever waits at the terminal. */
  readonly progress: (text: string) => void;
  readonly log: KeepRunning['log'];
}

export interface Supervisor {
  readonly stack: Stack;
  stop(): Promise<void>;
}

interface KeptParts {
  secrets: Secrets | null;
  readonly servers: Kept[];
  readonly services: Kept[];
}

/** Resolves when every service says that it is ready; rejects, with everything stopped again, if that cannot be. */
export async function startSupervisor(options: SupervisorOptions, aborted: AbortSignal): Promise<Supervisor> {
  const { home, log } = options;
  prepareHome(home);
  const unlock = lock(home);
  const kept: KeptParts = { secrets: null, servers: [], services: [] };
  let stack: Stack | null = null;
  const stop = async (): Promise<void> => {
    if (stack) writeJson(home.stack_file, { ...stack, status: 'stopping' });
    log('stopping', {});
    if (kept.secrets !== null) keepSecrets(home, kept.secrets);
    // Services first, all at once: they still need both servers to hand back what they hold.
    await Promise.all(kept.services.map((service) => service.stop()));
    for (const server of kept.servers.toReversed()) await server.stop();
    rmSync(home.stack_file, { force: true });
    log('stopped', {});
    unlock();
  };
  try {
    const running = await startParts(
      options,
      kept,
      (next) => {
        stack = next;
        writeJson(home.stack_file, next);
      },
      aborted,
    );
    return { stack: running, stop: once(stop) };
  } catch (error) {
    await stop();
    throw error;
  }
}

const once = (stop: () => Promise<void>): (() => Promise<void>) => {
  let stopped: Promise<void> | null = null;
  return () => (stopped ??= stop());
};

async function startParts(
  options: SupervisorOptions,
  kept: KeptParts,
  publish: (stack: Stack) => void,
  aborted: AbortSignal,
): Promise<Stack> {
  const { home, progress, log } = options;
  await stopLeftovers(home, options);
  const secrets = ensureSecrets(home);
  kept.secrets = secrets;
  const ports = await choosePorts(home, progress);
  const embedded = `postgres://${LOOPBACK}:${String(ports.postgres)}/postgres`;
  const admin_url = options.pg_url ?? databaseUrl(embedded, { user: 'postgres', password: secrets.postgres_superuser });
  let stack: Stack = {
    baton: 'stack/v1',
    status: 'starting',
    started_at: new Date().toISOString(),
    supervisor: ourselves(),
    processes: {},
    postgres_url: withoutUser(admin_url),
    nats_url: `nats://${LOOPBACK}:${String(ports[NATS])}`,
    nats_monitor_url: `http://${LOOPBACK}:${String(ports['nats-monitor'])}`,
    services: Object.fromEntries(SERVICE_NAMES.map((service) => [service, `http://${LOOPBACK}:${String(ports[service])}`])),
  };
  const update = (change: Partial<Stack>): void => {
    stack = { ...stack, ...change };
    publish(stack);
  };
  const keep: KeepRunning = {
    log,
    onStart: (name, pid, restarts) => {
      const identity = identify(pid) ?? { pid, started: '' };
      update({ processes: { ...stack.processes, [name]: { ...identity, restarts } } });
    },
  };
  const start = async (part: Part, among: Kept[]): Promise<void> => {
    aborted.throwIfAborted();
    among.push(await keepRunning(part, keep));
  };
  update({});

  const parts = { home, secrets, ports, log: progress };
  if (options.pg_url === undefined) {
    progress('starting Postgres');
    await start(postgresPart(parts), kept.servers);
  }
  progress('starting nats-server');
  await start(natsPart(parts), kept.servers);
  progress('provisioning the database and the bus');
  const made = await provision({
    admin_url,
    passwords: secrets.postgres,
    nats_url: stack.nats_url,
    nkey_seed: nkeyOf(secrets, PROVISIONER).seed,
    replicas: 1,
    accept_unsynced: options.unsynced === 'accept',
    logger: busLogger(log),
    connect_ms_max: NATS_LOGIN_MS_MAX,
  });
  log('provisioned', { ...made });
  progress(`starting ${SERVICE_NAMES.join(', ')}`);
  const postgres_url = options.pg_url === undefined ? await overSocket(stack.postgres_url, home.postgres) : stack.postgres_url;
  const services = { ...options, secrets, ports, postgres_url, nats_url: stack.nats_url };
  for (const service of SERVICE_NAMES) await start(servicePart(service, services), kept.services);
  const { halted } = await allReady(stack.services, home, aborted);
  if (halted) progress(RELAY_HALTED);
  update({ status: 'running' });
  log('running', { services: stack.services });
  return stack;
}

/** Kept ports where they are free, others where somebody else took them meanwhile. */
async function choosePorts(home: Home, progress: (text: string) => void): Promise<Ports> {
  const before = readJson(home.ports_file, portsSchema) ?? {};
  const chosen: Record<string, number> = {};
  for (const name of PORTS) {
    const kept = before[name];
    if (kept !== undefined && (await isPortFree(kept))) chosen[name] = kept;
    else {
      do chosen[name] = await freePort();
      while (Object.entries(chosen).some(([other, port]) => other !== name && port === chosen[name]));
      if (kept !== undefined)
        progress(`port ${String(kept)}, which ${name} had before, is in use: it listens on ${String(chosen[name])} now`);
    }
  }
  writeJson(home.ports_file, chosen);
  return chosen as Ports;
}

/** What a supervisor that was killed has left running would be in the way, and would hold the ports that we want to keep. */
async function stopLeftovers(home: Home, { progress, log }: SupervisorOptions): Promise<void> {
  const before = readStack(home);
  if (before === null) return;
  await stopServices(before, (pid) => {
    log('stopping-leftover', { pid });
  });
  await stopLeftoverNats(home.nats, progress);
  await stopLeftoverPostgres(home.postgres, progress);
}

/** Ends the services of a stack whose supervisor does not do it any more. */
export async function stopServices(stack: Stack, told: (pid: number) => void = () => undefined): Promise<void> {
  const services = Object.entries(stack.processes).filter(([name]) => SERVICE_NAMES.includes(name as ServiceName));
  await stopProcesses(
    services.map(([, identity]) => identity),
    LEFTOVER_MS_MAX,
    told,
  );
}

/** SIGTERM to all, SIGKILL to what is left after the time. */
async function stopProcesses(
  identities: readonly ProcessIdentity[],
  within_ms: number,
  told: (pid: number) => void,
): Promise<void> {
  const stopping = identities.filter((identity) => signal(identity, 'SIGTERM'));
  for (const { pid } of stopping) told(pid);
  const deadline = performance.now() + within_ms;
  while (stopping.some(stillRuns)) {
    if (performance.now() > deadline) for (const identity of stopping) signal(identity, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, LEFTOVER_POLL_MS));
  }
}

const lockSchema = z.object({ pid: z.number(), started: z.string() });

function lock(home: Home): () => void {
  for (;;) {
    try {
      mkdirSync(home.directory, { recursive: true });
      const file = openSync(home.lock_file, 'wx');
      writeSync(file, JSON.stringify(ourselves()));
      closeSync(file);
      return () => {
        rmSync(home.lock_file, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = lockHolder(home);
      if (holder !== null && stillRuns(holder)) {
        throw new CliProblem(
          EXIT.refused,
          `process ${String(holder.pid)} is starting or stopping a stack on ${home.directory} right now`,
          'wait until it is done, or name another directory with --home DIR',
        );
      }
      rmSync(home.lock_file, { force: true });
    }
  }
}

function lockHolder(home: Home): ProcessIdentity | null {
  try {
    return readJson(home.lock_file, lockSchema);
  } catch {
    return null; // Half written by somebody who was killed.
  }
}

function ourselves(): ProcessIdentity {
  const identity = identify(process.pid);
  if (identity === null) throw new Error('this process cannot find itself: neither /proc nor ps tells when it started');
  return identity;
}

function withoutUser(url: string): string {
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  return parsed.href;
}

const busLogger = (log: KeepRunning['log']): BusLogger => ({
  info: (fields, event) => {
    log(event, { ...fields });
  },
  warn: (fields, event) => {
    log(event, { ...fields });
  },
  error: (fields, event) => {
    log(event, { ...fields });
  },
  fatal: (fields, event) => {
    log(event, { ...fields });
  },
});
