/** Postgres lets each role do what the matrix of services says, and nothing else; checked anew after every migration. */
import type pg from 'pg';
import { PRINCIPALS, PRIVILEGES, SERVICES, SERVICE_NAMES, roleOf } from '@baton/contracts';
import { LOGIN_ROLES, OWNER_ROLE } from './roles.ts';

const byName = (column: 'reads' | 'calls'): Readonly<Record<string, readonly string[]>> => {
  const names = new Set(PRINCIPALS.flatMap((principal): readonly string[] => PRIVILEGES[principal][column]));
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      PRINCIPALS.filter((principal) => (PRIVILEGES[principal][column] as readonly string[]).includes(name)).map(roleOf),
    ]),
  );
};

/** Table → who may SELECT. Nobody may do anything else to a table. */
export const TABLE_READERS = byName('reads');

/** Function → who may call it; the functions themselves look at whose stream, lease or consumer it is. */
export const FUNCTION_CALLERS = byName('calls');

/** One transaction takes all rights away and gives the listed ones, so that nobody is without in between. */
export async function syncGrants(client: pg.Client): Promise<void> {
  const roles = LOGIN_ROLES.map((role) => client.escapeIdentifier(role)).join(', ');
  const listed = (granted: readonly string[]): string => granted.map((role) => client.escapeIdentifier(role)).join(', ');
  const statements = [
    'BEGIN',
    `SET LOCAL ROLE ${client.escapeIdentifier(OWNER_ROLE)}`,
    'REVOKE ALL ON ALL TABLES IN SCHEMA baton FROM PUBLIC',
    'REVOKE ALL ON ALL FUNCTIONS IN SCHEMA baton FROM PUBLIC',
    `REVOKE ALL ON ALL TABLES IN SCHEMA baton FROM ${roles}`,
    `REVOKE ALL ON ALL FUNCTIONS IN SCHEMA baton FROM ${roles}`,
    `GRANT USAGE ON SCHEMA baton TO ${roles}`,
    ...Object.entries(TABLE_READERS).map(
      ([table, readers]) => `GRANT SELECT ON baton.${client.escapeIdentifier(table)} TO ${listed(readers)}`,
    ),
    ...Object.entries(FUNCTION_CALLERS).map(
      ([name, callers]) => `GRANT EXECUTE ON FUNCTION baton.${client.escapeIdentifier(name)} TO ${listed(callers)}`,
    ),
  ];
  try {
    for (const statement of statements) await client.query(statement);
    await client.query('DELETE FROM baton.writer_grant');
    for (const name of SERVICE_NAMES) {
      await client.query('INSERT INTO baton.writer_grant (role, category) SELECT $1, unnest($2::text[])', [
        roleOf(name),
        SERVICES[name].appends,
      ]);
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}
