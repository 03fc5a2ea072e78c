/** Postgres with the schema of the log, and a nats-server, both empty and of one scenario's own: the servers of `baton up` without its services. */
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { roleOf, type ServiceName } from '@baton/contracts';
import { LOGIN_ROLES, migrate, openEventStore, setPasswords, type EventStore } from '@baton/event-store';
import { databaseUrl, overSocket, removePostgresData, startNats, startPostgres } from '@baton/tools';
import pg from 'pg';
import { benchDirectory, removedOnce } from '../stack.ts';

/** As `baton up` has it: every event is in Postgres before it is on the bus. */
const NATS_CONF = `max_payload: 1MB
jetstream {
  max_memory_store: 64MB
  max_file_store: 20GB
  sync_interval: 2m
}
`;
const STATEMENT_TIMEOUT_MS = 60_000;

export interface Ground {
  readonly superuser_url: string;
  url(service: ServiceName): string;
  open(service: ServiceName): EventStore;
  nats(): Promise<string>;
  remove(): Promise<void>;
}

async function startGround(name: string): Promise<Ground> {
  const directory = await benchDirectory(name);
  const data_dir = join(directory, 'postgres');
  const password = randomBytes(16).toString('hex');
  const postgres = await startPostgres({ data_dir, password, log: () => undefined });
  const closing: (() => Promise<void>)[] = [];
  const remove = removedOnce(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
    await postgres.stop();
    await removePostgresData(data_dir);
    await rm(directory, { recursive: true, force: true });
  });
  try {
    await migrate(postgres.superuser_url);
    await setPasswords(postgres.superuser_url, Object.fromEntries(LOGIN_ROLES.map((role) => [role, password])));
    const cluster_url = await overSocket(postgres.url, data_dir);
    const url = (service: ServiceName): string => databaseUrl(cluster_url, { user: roleOf(service), password });
    return {
      superuser_url: databaseUrl(cluster_url, { user: 'postgres', password }),
      url,
      open: (service) => {
        const store = openEventStore({
          url: url(service),
          application_name: `bench-${service}`,
          statement_timeout_ms: STATEMENT_TIMEOUT_MS,
        });
        closing.push(store.close);
        return store;
      },
      nats: async () => {
        const config_file = join(directory, 'nats.conf');
        await writeFile(config_file, NATS_CONF);
        const server = await startNats({
          config_file,
          store_dir: join(directory, 'nats'),
          env: {},
          log_file: join(directory, 'nats.log'),
          log: () => undefined,
        });
        closing.push(() => server.stop());
        return server.url;
      },
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

export async function onGround<T>(name: string, use: (ground: Ground) => Promise<T>): Promise<T> {
  const ground = await startGround(name);
  try {
    return await use(ground);
  } finally {
    await ground.remove();
  }
}

export async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

export async function withPool<T>(url: string, max: number, use: (pool: pg.Pool) => Promise<T>): Promise<T> {
  const pool = new pg.Pool({ connectionString: url, max });
  // An idle connection may be told of the end of the server before that of the pool.
  pool.on('error', () => undefined);
  try {
    return await use(pool);
  } finally {
    await pool.end();
  }
}
