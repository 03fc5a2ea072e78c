/** A Postgres cluster in a directory: made on first use, started, proved ready by a login, stopped without loss. */
import { execFile } from 'node:child_process';
import { access, chown, constants, lstat, mkdir, readFile, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import pg from 'pg';

import { type Account, directoryFor, unprivilegedAccount } from './account.ts';
import { LOOPBACK, freePort, requireFreePort } from './free-port.ts';
import { clearLeftover, postgresLeftover } from './leftover.ts';
import { type PostgresBinaries, findPostgres } from './postgres-binaries.ts';
import { type Log, type ServerProcess, startServerProcess, untilReady } from './server-process.ts';

const run = promisify(execFile);

export interface StartPostgres {
  /** As root and out of reach of an unprivileged account, this becomes a link (see account.ts). */
  readonly data_dir: string;
  /** Of the superuser `postgres`; fixed when the directory is first used. */
  readonly password: string;
  /** A free one if left out; keep it across restarts by naming it. */
  readonly port?: number | undefined;
  /** Server settings beyond the ones below, which they override. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  readonly prefer?: 'local' | 'embedded' | undefined;
  /** Stop a server that an earlier run has left on this directory, instead of refusing. */
  readonly take_over?: boolean | undefined;
  readonly log: Log;
}

export interface RunningPostgres {
  /** Without a user; see `databaseUrl`. */
  readonly url: string;
  readonly superuser_url: string;
  readonly port: number;
  readonly pid: number;
  readonly version: string;
  readonly log_file: string;
  /** Fast shutdown: clients are cut off, everything committed is on disk. */
  stop(): Promise<void>;
  /** As if it crashed. The directory can be started again. */
  kill(): Promise<void>;
}

// Recovery after a crash replays up to a checkpoint's worth of log before the first login.
const READY_MS_MAX = 120_000;
const LOGIN_MS_MAX = 5_000;
// After a kill the server's children notice, one by one; until the last has gone the memory they share is in the way.
const CHILDREN_GONE_MS_MAX = 15_000;
const RETRY_MS = 100;

const SETTINGS = {
  listen_addresses: LOOPBACK,
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  password_encryption: 'scram-sha-256',
} as const;

export async function startPostgres(start: StartPostgres): Promise<RunningPostgres> {
  const account = await unprivilegedAccount();
  const data_dir = await directoryFor(start.data_dir, account);
  const major = await clusterMajor(data_dir);
  const binaries = await findPostgres({ log: start.log, prefer: start.prefer, major: major ?? undefined });
  if (major === null) await initialise(data_dir, start.password, binaries, account, start.log);
  await clearLeftover(postgresLeftover(data_dir, start.take_over ?? false, start.log));
  await forgetSockets(data_dir);

  const port = start.port ?? (await freePort());
  await requireFreePort(port, 'Postgres');
  const superuser_url = databaseUrl(`postgres://${LOOPBACK}:${port}/postgres`, { user: 'postgres', password: start.password });
  const log_file = join(data_dir, 'server.log');
  const server = await startOnceChildrenAreGone({
    data_dir,
    port,
    settings: start.settings ?? {},
    log_file,
    binaries,
    account,
    superuser_url,
  });
  return {
    url: `postgres://${LOOPBACK}:${port}/postgres`,
    superuser_url,
    port,
    pid: server.pid,
    version: binaries.version,
    log_file,
    stop: () => server.stop('SIGINT'),
    kill: () => server.kill(),
  };
}

const SOCKET_PREFIX = '.s.PGSQL.';
/** What the kernel takes as the path of a socket, with the zero at its end. */
const SOCKET_PATH_BYTES_MAX = 108;

/** Beside the data, where only the server's account can look; null where the path is too long for a socket. */
function socketFile(data_dir: string, port: number): string | null {
  const path = join(data_dir, `${SOCKET_PREFIX}${port}`);
  return Buffer.byteLength(path) < SOCKET_PATH_BYTES_MAX ? path : null;
}

/**
 * No server runs on the directory: a socket that is there is of one that died. Postgres would take the number in its lock file for
 * the server if any process has that number now, as after a power loss.
 */
async function forgetSockets(data_dir: string): Promise<void> {
  const sockets = (await readdir(data_dir)).filter((name) => name.startsWith(SOCKET_PREFIX));
  for (const name of sockets) await rm(join(data_dir, name), { force: true });
}

/** The same over the server's socket, a third cheaper than TCP; unchanged where it has none or we may not use it. */
export async function overSocket(url: string, data_dir: string): Promise<string> {
  const parsed = new URL(url);
  const path = socketFile(await realpath(data_dir), Number(parsed.port));
  if (path === null) return url;
  try {
    await access(path, constants.W_OK);
  } catch {
    return url;
  }
  parsed.searchParams.set('host', dirname(path));
  return parsed.href;
}

/** The same server and database by another user, or another database by the same user. */
export function databaseUrl(
  url: string,
  as: { readonly user?: string; readonly password?: string; readonly database?: string },
): string {
  const parsed = new URL(url);
  if (as.user !== undefined) parsed.username = encodeURIComponent(as.user);
  if (as.password !== undefined) parsed.password = encodeURIComponent(as.password);
  if (as.database !== undefined) parsed.pathname = `/${encodeURIComponent(as.database)}`;
  return parsed.href;
}

/** Stops the server an earlier run has left on this directory, if there is one. */
export async function stopLeftoverPostgres(data_dir: string, log: Log): Promise<void> {
  const real = await realpath(data_dir).catch(() => null);
  if (real) await clearLeftover(postgresLeftover(real, true, log));
}

/** Removes a stopped cluster with everything in it, also where the directory is a link to the real one. */
export async function removePostgresData(data_dir: string): Promise<void> {
  const found = await lstat(data_dir).catch(() => null);
  if (found?.isSymbolicLink()) {
    const real = await realpath(data_dir).catch(() => null);
    if (real) await rm(real, { recursive: true, force: true });
  }
  await rm(data_dir, { recursive: true, force: true });
}

/** Null for a directory that is still empty. */
async function clusterMajor(data_dir: string): Promise<number | null> {
  const version = await readFile(join(data_dir, 'PG_VERSION'), 'utf8').catch(() => null);
  if (version !== null) return Number.parseInt(version, 10);
  if ((await readdir(data_dir)).length === 0) return null;
  throw new Error(`${data_dir} holds files but no Postgres cluster (no PG_VERSION): name an empty directory, or empty this one`);
}

/** Made beside and renamed, so that a cluster that was half made when somebody pulled the plug is never started. */
async function initialise(
  data_dir: string,
  password: string,
  binaries: PostgresBinaries,
  account: Account | null,
  log: Log,
): Promise<void> {
  const half = `${data_dir}.new`;
  const password_file = `${data_dir}.password`;
  log(`making a Postgres ${binaries.version} cluster in ${data_dir}`);
  await rm(half, { recursive: true, force: true });
  await rm(password_file, { force: true });
  try {
    await mkdir(half, { mode: 0o700 });
    await writeFile(password_file, `${password}\n`, { mode: 0o600, flag: 'wx' });
    if (account) {
      await chown(half, account.uid, account.gid);
      await chown(password_file, account.uid, account.gid);
    }
    const args = [
      ...['--pgdata', half, '--username', 'postgres', '--pwfile', password_file],
      ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C', '--data-checksums'],
    ];
    const as = account ? { uid: account.uid, gid: account.gid } : {};
    await run(join(binaries.directory, 'initdb'), args, { cwd: half, env: serverEnvironment(), ...as });
    // Over the empty directory that stands there.
    await rename(half, data_dir);
  } catch (cause) {
    const said = (cause as { stderr?: string }).stderr ?? '';
    throw new Error(`cannot make a Postgres cluster in ${data_dir}: ${(cause as Error).message}\n${said}`.trim(), { cause });
  } finally {
    await rm(password_file, { force: true });
    await rm(half, { recursive: true, force: true });
  }
}

interface Cluster {
  readonly data_dir: string;
  readonly port: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly log_file: string;
  readonly binaries: PostgresBinaries;
  readonly account: Account | null;
  readonly superuser_url: string;
}

async function startOnceChildrenAreGone(cluster: Cluster): Promise<ServerProcess> {
  const deadline = performance.now() + CHILDREN_GONE_MS_MAX;
  for (;;) {
    const settings = {
      ...SETTINGS,
      unix_socket_directories: socketFile(cluster.data_dir, cluster.port) === null ? '' : cluster.data_dir,
      ...cluster.settings,
      port: String(cluster.port),
    };
    const server = await startServerProcess({
      command: join(cluster.binaries.directory, 'postgres'),
      args: ['-D', cluster.data_dir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      cwd: cluster.data_dir,
      env: serverEnvironment(),
      log_file: cluster.log_file,
      account: cluster.account,
    });
    try {
      await untilReady('Postgres', server, READY_MS_MAX, () => acceptsLogin(cluster, server));
      return server;
    } catch (error) {
      const retry = server.output().includes('pre-existing shared memory block') && performance.now() < deadline;
      if (!retry) throw error;
      await delay(RETRY_MS);
    }
  }
}

async function acceptsLogin(cluster: Cluster, server: ServerProcess): Promise<boolean> {
  const client = new pg.Client({ connectionString: cluster.superuser_url, connectionTimeoutMillis: LOGIN_MS_MAX });
  client.on('error', () => undefined); // The server may end while we log in; untilReady sees that.
  try {
    await client.connect();
    return true;
  } catch (cause) {
    if ((cause as { code?: string }).code !== '28P01') return false;
    await server.stop('SIGINT');
    throw new Error(
      `the cluster in ${cluster.data_dir} was made with another password for its superuser postgres: ` +
        'give that one, or remove the directory to start with an empty log',
      { cause },
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Nothing of ours but PATH: PG* variables would redirect the server, locale and zone would depend on the machine. */
function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
}
