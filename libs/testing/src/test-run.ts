/**
 * What one jest run shares: a directory, and one Postgres for all specs, started when the first of them asks. It lives
 * in jest's main process; the workers ask it over loopback. What a killed run left behind goes when the next one begins.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  type Log,
  findNatsServer,
  removePostgresData,
  startPostgres,
  stopLeftoverNats,
  stopLeftoverPostgres,
} from '@baton/tools';

import { dropDatabases, type RunPostgres } from './database.ts';
import { containerPostgres } from './postgres-container.ts';

/** Set for the workers; see `database.ts` and `nats.ts`. */
const RUN_DIRECTORY = 'BATON_TEST_RUN_DIRECTORY';
const RUN_URL = 'BATON_TEST_RUN_URL';

export interface TestRun {
  /** For the workers' environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Stops everything the run has started and removes its files. Closing twice is fine. */
  close(): Promise<void>;
}

const DIRECTORY_PREFIX = 'baton-test-';
const OWNER_FILE = 'owner.pid';

export async function openTestRun(log: Log): Promise<TestRun> {
  await sweepDeadRuns(log);
  const directory = await mkdtemp(join(tmpdir(), DIRECTORY_PREFIX));
  // As root, Postgres runs as another account, which has to get in here.
  await chmod(directory, 0o755);
  await writeFile(join(directory, OWNER_FILE), String(process.pid));

  let postgres: Promise<SharedPostgres> | null = null;
  const secret = randomBytes(16).toString('hex');
  const server = createServer((request, response) => {
    if (request.url !== `/${secret}/postgres`) return void response.writeHead(404).end();
    postgres ??= sharedPostgres(directory, log);
    postgres.then(
      ({ superuser_url, prefix }) => response.end(JSON.stringify({ superuser_url, prefix } satisfies RunPostgres)),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();

  const close = async () => {
    server.close();
    server.closeAllConnections();
    const started = postgres;
    postgres = null;
    await started?.then(
      (shared) => shared.close(),
      () => undefined,
    );
    await removeRun(directory, log);
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${secret}`;
  return { environment: { [RUN_DIRECTORY]: directory, [RUN_URL]: url, ...(await natsServer(log)) }, close };
}

/** Found (or fetched, which takes longer than a spec may) before the specs; one that cannot be found fails only those that need it. */
async function natsServer(log: Log): Promise<Record<string, string>> {
  try {
    return { NATS_SERVER_BIN: await findNatsServer({ log }) };
  } catch {
    return {};
  }
}

interface SharedPostgres extends RunPostgres {
  close(): Promise<void>;
}

/** The server in BATON_TEST_PG_URL, else a cluster of our own, else (no binaries at all) a container. */
async function sharedPostgres(directory: string, log: Log): Promise<SharedPostgres> {
  const prefix = `baton_test_${randomBytes(4).toString('hex')}_`;
  const given = process.env.BATON_TEST_PG_URL;
  if (given) return { superuser_url: given, prefix, close: () => dropDatabases(given, prefix) };
  const data_dir = join(directory, 'postgres');
  try {
    const server = await startPostgres({ data_dir, password: randomBytes(16).toString('hex'), settings: TEST_SETTINGS, log });
    return { superuser_url: server.superuser_url, prefix, close: () => server.stop() };
  } catch (local) {
    try {
      const container = await containerPostgres(TEST_SETTINGS);
      return { superuser_url: container.superuser_url, prefix, close: () => container.stop() };
    } catch (docker) {
      throw new Error(`${(local as Error).message}\nNor in a container: ${(docker as Error).message}`, { cause: docker });
    }
  }
}

/**
 * This cluster is thrown away with the run, so it need not survive the machine: no fsync. Specs about durability start
 * their own with `startPostgres`. Minimal WAL, as nothing replicates it.
 */
const TEST_SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_connections: '300',
  shared_buffers: '128MB',
} as const;

async function sweepDeadRuns(log: Log): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const directory = join(tmpdir(), name);
    if (!name.startsWith(DIRECTORY_PREFIX)) continue;
    const owner = Number(await readFile(join(directory, OWNER_FILE), 'utf8').catch(() => Number.NaN));
    // Without an owner it is only just being made, or not a run's.
    if (Number.isInteger(owner) && !isAlive(owner)) await removeRun(directory, log);
  }
}

async function removeRun(directory: string, log: Log): Promise<void> {
  await stopLeftoverPostgres(join(directory, 'postgres'), log);
  for (const name of await readdir(directory).catch(() => [])) {
    if (name.startsWith('nats-')) await stopLeftoverNats(join(directory, name, 'store'), log);
  }
  await removePostgresData(join(directory, 'postgres'));
  await rm(directory, { recursive: true, force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
