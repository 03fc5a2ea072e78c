/** What a local stack consists of: two servers and every service, each with its own role, key, port and directory. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { natsConf, nkeyVariable } from '@baton/bus';
import { SERVICE_NAMES, isBusUser, roleOf, type BusUser, type ServiceName } from '@baton/contracts';
import { databaseUrl, startNats, startPostgres, type Log } from '@baton/tools';
import type { Home } from './home.ts';
import type { Part, Running } from './keep-running.ts';
import { partSettings } from './part-settings.ts';
import { nkeyOf, passwordOf, sealerKeyOf, type Secrets } from './secrets.ts';
import { startService } from './service-process.ts';
import { handedOn } from './service-settings.ts';

/** The repository that this file is part of: sources and built files lie at the same depth. */
export const REPOSITORY = resolve(import.meta.dirname, '../../../..');
export const LOOPBACK = '127.0.0.1';
const POSTGRES = 'postgres';
export const NATS = 'nats-server';
/** Parts that listen, by the name their port is kept under. */
export const PORTS = [POSTGRES, NATS, 'nats-monitor', ...SERVICE_NAMES] as const;
export type Ports = Readonly<Record<(typeof PORTS)[number], number>>;

/** The streams reserve their limits, 17 GiB together; what is really used is far less. */
const NATS_STORE_BYTES_MAX = '20G';
const NATS_SYNC_INTERVAL = '2m';
const DRAIN_EXTRA_MS = 5_000;
const DIED_POLL_MS = 100;

/**
 * As in deploy/docker/Dockerfile. A service keeps little and throws away much: a large young generation, collected by the one
 * thread that is awake already, costs a seventh less than waking the collector's own threads several times a second.
 */
const NODE_FLAGS = ['--enable-source-maps', '--single-threaded-gc', '--max-semi-space-size=32'];

export interface Parts {
  readonly home: Home;
  readonly secrets: Secrets;
  readonly ports: Ports;
  readonly log: Log;
}

export function postgresPart({ home, secrets, ports, log }: Parts): Part {
  return {
    name: POSTGRES,
    start: async () => {
      const { postgres } = partSettings(home);
      const server = await startPostgres({
        settings: postgres,
        data_dir: home.postgres,
        password: secrets.postgres_superuser,
        port: ports.postgres,
        take_over: true,
        log,
      });
      return { pid: server.pid, ended: untilDead(server.pid), stop: () => server.stop() };
    },
  };
}

export function natsPart({ home, secrets, ports, log }: Parts): Part {
  const config_file = join(home.directory, 'nats.conf');
  return {
    name: NATS,
    start: async () => {
      writeFileSync(config_file, natsConf());
      const publicKeys = Object.entries(secrets.nkeys).map(([user, nkey]) => [nkeyVariable(user as BusUser), nkey.public]);
      const server = await startNats({
        config_file,
        store_dir: home.nats,
        port: ports[NATS],
        monitor_port: ports['nats-monitor'],
        env: {
          BATON_NATS_SERVER_NAME: 'baton',
          BATON_NATS_PORT: String(ports[NATS]),
          BATON_NATS_MONITOR_PORT: String(ports['nats-monitor']),
          BATON_NATS_STORE_DIR: home.nats,
          BATON_NATS_STORE_BYTES_MAX: NATS_STORE_BYTES_MAX,
          BATON_NATS_SYNC_INTERVAL: partSettings(home).nats_sync_interval ?? NATS_SYNC_INTERVAL,
          ...Object.fromEntries(publicKeys),
        },
        log_file: join(home.logs, 'nats-server.log'),
        take_over: true,
        log,
      });
      return { pid: server.pid, ended: untilDead(server.pid), stop: () => server.stop() };
    },
  };
}

/** Our own child, so the number is not given to anybody else before its end has been seen here. */
function untilDead(pid: number): Running['ended'] {
  return new Promise((done) => {
    const timer = setInterval(() => {
      try {
        process.kill(pid, 0);
      } catch {
        clearInterval(timer);
        done('it was killed or crashed');
      }
    }, DIED_POLL_MS);
  });
}

export interface ServiceParts extends Omit<Parts, 'log'> {
  readonly postgres_url: string;
  readonly nats_url: string;
  readonly log_level: string;
  readonly drain_grace_ms: number;
  readonly unsynced: 'accept' | 'refuse';
  /** Of whoever started the stack, with whole paths: agents may see what a mission's contract names of it. */
  readonly environment: NodeJS.ProcessEnv;
}

export const entryOf = (service: ServiceName): string => join(REPOSITORY, 'apps', service, 'dist', 'main.js');

export function servicePart(service: ServiceName, parts: ServiceParts): Part {
  const { home, secrets, ports, environment } = parts;
  const work = join(home.work, service);
  const env: NodeJS.ProcessEnv = {
    ...Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(BATON_|PG|NODE_|npm_)/.test(name))),
    // `node` in a mission's commands is the one that we run on.
    PATH: `${dirname(process.execPath)}:${environment.PATH ?? ''}`,
    NODE_ENV: 'production',
    BATON_PG_URL: databaseUrl(parts.postgres_url, { user: roleOf(service), password: passwordOf(secrets, roleOf(service)) }),
    ...(isBusUser(service) ? { BATON_NATS_URL: parts.nats_url, BATON_NATS_NKEY_SEED: nkeyOf(secrets, service).seed } : {}),
    BATON_HTTP_HOST: LOOPBACK,
    BATON_HTTP_PORT: String(ports[service]),
    BATON_LOG_LEVEL: parts.log_level,
    BATON_DRAIN_GRACE_MS: String(parts.drain_grace_ms),
    BATON_WORK_DIR: work,
  };
  // Who copies the log seals it; nobody else has the key.
  if (service === 'relay')
    Object.assign(env, {
      BATON_NATS_UNSYNCED: parts.unsynced,
      BATON_CHECKPOINTS_DIR: home.checkpoints,
      BATON_SEALER_KEY: sealerKeyOf(secrets),
    });
  Object.assign(env, handedOn(environment));
  mkdirSync(work, { recursive: true });
  return {
    name: service,
    start: async () => {
      const own = partSettings(home).services[service];
      const [command, ...args] = [...(own?.under ?? []), process.execPath, ...NODE_FLAGS, entryOf(service)];
      return startService({
        command,
        args,
        cwd: home.directory,
        env: { ...env, ...own?.env },
        log_file: join(home.logs, `${service}.log`),
        grace_ms: parts.drain_grace_ms + DRAIN_EXTRA_MS,
      });
    },
  };
}
