/** A database has the newest schema, its roles and its grants, however often and by how many at once this is called. */
import pg from 'pg';
import { syncGrants } from './grants.ts';
import { Log1795200000001 } from './migrations/1-log.ts';
import { Append1795200000002 } from './migrations/2-append.ts';
import { Work1795200000003 } from './migrations/3-work.ts';
import { Read1795200000004 } from './migrations/4-read.ts';
import { Predecessors1795200000005 } from './migrations/5-predecessors.ts';
import { GivingBack1795200000006 } from './migrations/6-giving-back.ts';
import { PutAside1795200000007 } from './migrations/7-put-aside.ts';
import { OWNER_ROLE, ensureRoles } from './roles.ts';

const MIGRATIONS = [
  Log1795200000001,
  Append1795200000002,
  Work1795200000003,
  Read1795200000004,
  Predecessors1795200000005,
  GivingBack1795200000006,
  PutAside1795200000007,
];

/** Any number nobody else uses: advisory locks are told apart by number only. */
const MIGRATE_LOCK = 7_226_001;

export interface Migrated {
  /** Names of the migrations that were missing, in order. */
  readonly applied: readonly string[];
}

/** `url` is that of a role that may create roles and schemas in this database. */
export async function migrate(url: string): Promise<Migrated> {
  const client = new pg.Client({ connectionString: url, application_name: 'baton-migrate' });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATE_LOCK]);
    await ensureRoles(client);
    await client.query(`CREATE SCHEMA IF NOT EXISTS baton AUTHORIZATION ${client.escapeIdentifier(OWNER_ROLE)}`);
    const applied = await runMigrations(url);
    await syncGrants(client);
    return { applied };
  } finally {
    await client.end();
  }
}

async function runMigrations(url: string): Promise<readonly string[]> {
  // Loaded only here: it takes a third of a second, and every service and every command imports this package.
  const { DataSource } = await import('typeorm');
  const source = new DataSource({
    type: 'postgres',
    url,
    schema: 'baton',
    applicationName: 'baton-migrate',
    // Whatever the migrations make belongs to the owner role from the start.
    extra: { max: 1, options: `-c role=${OWNER_ROLE}` },
    installExtensions: false,
    logging: false,
    migrations: MIGRATIONS,
    migrationsTableName: 'migrations',
    migrationsTransactionMode: 'all',
  });
  await source.initialize();
  try {
    return (await source.runMigrations()).map((migration) => migration.name);
  } finally {
    await source.destroy();
  }
}
