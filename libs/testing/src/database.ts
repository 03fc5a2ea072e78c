/** A database of its own for each spec file, cloned in milliseconds from a template that is migrated once per run. */
import { createHash, randomBytes } from 'node:crypto';

import { databaseUrl } from '@baton/tools';
import pg from 'pg';

export interface RunPostgres {
  readonly superuser_url: string;
  /** What the names of this run's databases begin with: a server named in BATON_TEST_PG_URL may serve many runs. */
  readonly prefix: string;
}

export interface TestDatabaseOptions {
  /** Brings an empty database to its schema; run once per run and template. Roles belong to all databases of the cluster. */
  readonly migrate: (superuser_url: string) => Promise<void>;
  /** Names the schema, where one `migrate` can make several; by default the source text of `migrate` does. */
  readonly template?: string | undefined;
}

export interface TestDatabase {
  /** Without a user: `databaseUrl(url, { user, password })` gives that of a role. */
  readonly url: string;
  readonly superuser_url: string;
  readonly name: string;
  /** Cuts off whoever is still connected. Databases that are not dropped go with the run. */
  drop(): Promise<void>;
}

/** Roles are the cluster's, so all specs, which share it, give a role the same password. */
export const TEST_ROLE_PASSWORD = 'test-role-password';

// Any number, as long as nothing else in the cluster's first database takes the same.
const TEMPLATE_LOCK = 20_261_121;

export async function testDatabase(options: TestDatabaseOptions): Promise<TestDatabase> {
  const { superuser_url: admin_url, prefix } = await runPostgres();
  const key = createHash('sha256')
    .update(options.template ?? options.migrate.toString())
    .digest('hex');
  const template = `${prefix}template_${key.slice(0, 16)}`;
  const name = `${prefix}${randomBytes(6).toString('hex')}`;
  await withClient(admin_url, async (admin) => {
    await ensureTemplate(admin, admin_url, template, options.migrate);
    await admin.query(`create database ${admin.escapeIdentifier(name)} template ${admin.escapeIdentifier(template)}`);
  });
  const superuser_url = databaseUrl(admin_url, { database: name });
  return {
    url: databaseUrl(superuser_url, { user: '', password: '' }),
    superuser_url,
    name,
    drop: () => withClient(admin_url, (admin) => dropDatabase(admin, name)),
  };
}

async function ensureTemplate(
  admin: pg.Client,
  admin_url: string,
  template: string,
  migrate: TestDatabaseOptions['migrate'],
): Promise<void> {
  if (await isFinished(admin, template)) return;
  // One worker migrates, the others wait here; the lock goes with the session, so also when a worker is killed.
  await admin.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  try {
    if (await isFinished(admin, template)) return;
    await dropDatabase(admin, template);
    await admin.query(`create database ${admin.escapeIdentifier(template)} template template0`);
    await migrate(databaseUrl(admin_url, { database: template }));
    // Marks it as finished, and keeps everybody out: a template with a session in it cannot be cloned.
    await admin.query(`alter database ${admin.escapeIdentifier(template)} allow_connections false`);
  } finally {
    await admin.query('select pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  }
}

async function isFinished(admin: pg.Client, template: string): Promise<boolean> {
  const { rowCount } = await admin.query('select from pg_database where datname = $1 and not datallowconn', [template]);
  return rowCount === 1;
}

async function dropDatabase(admin: pg.Client, name: string): Promise<void> {
  await admin.query(`drop database if exists ${admin.escapeIdentifier(name)} with (force)`);
}

export async function dropDatabases(admin_url: string, prefix: string): Promise<void> {
  await withClient(admin_url, async (admin) => {
    const { rows } = await admin.query<{ datname: string }>('select datname from pg_database where starts_with(datname, $1)', [
      prefix,
    ]);
    for (const { datname } of rows) await dropDatabase(admin, datname);
  });
}

/** Started by the first spec that asks for it. */
async function runPostgres(): Promise<RunPostgres> {
  const run_url = process.env.BATON_TEST_RUN_URL;
  if (!run_url)
    throw new Error(
      'testDatabase() needs libs/testing/jest/global-setup.mjs as globalSetup of jest: start jest with the jest.config.mjs of the repository',
    );
  const response = await fetch(`${run_url}/postgres`);
  const text = await response.text();
  if (!response.ok) throw new Error(`no Postgres for the specs: ${text}`);
  return JSON.parse(text) as RunPostgres;
}

async function withClient<Result>(url: string, use: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
