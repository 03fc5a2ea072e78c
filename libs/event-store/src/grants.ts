/** Postgres lets each role do what the matrix of services says, and nothing else; checked anew after every migration. */
import type pg from 'pg';
import { AUDITOR_ROLE, SERVICES, SERVICE_NAMES, roleOf, type ServiceName } from '@baton/contracts';
import { LOGIN_ROLES, OWNER_ROLE } from './roles.ts';

const services = (...names: readonly ServiceName[]): readonly string[] => names.map(roleOf);
const EVERY_SERVICE = services(...SERVICE_NAMES);
const READS_ALL = [...services('metrics'), AUDITOR_ROLE];

/** Who may SELECT. Nobody may do anything else to a table. */
export const TABLE_READERS: Readonly<Record<string, readonly string[]>> = {
  events: [...services('relay'), ...READS_ALL],
  log_head: LOGIN_ROLES,
  watermarks: LOGIN_ROLES,
  deadlines: READS_ALL,
  leases: READS_ALL,
  dead_letters: READS_ALL,
  writer_grant: [AUDITOR_ROLE],
  artifacts: [...services('executor', 'reviewer', 'release', 'approval'), AUDITOR_ROLE],
};

/** Who may call; the functions themselves look at whose stream, lease or consumer it is. */
export const FUNCTION_CALLERS: Readonly<Record<string, readonly string[]>> = {
  append: EVERY_SERVICE,
  news_channel: services('relay'),
  load_stream: LOGIN_ROLES,
  claim_due: EVERY_SERVICE,
  extend_deadline: EVERY_SERVICE,
  clear_deadline: EVERY_SERVICE,
  acquire_lease: EVERY_SERVICE,
  renew_lease: EVERY_SERVICE,
  release_lease: EVERY_SERVICE,
  advance_watermark: EVERY_SERVICE,
  park: EVERY_SERVICE,
  is_parked: EVERY_SERVICE,
  list_dead_letters: LOGIN_ROLES,
  settle_dead_letter: EVERY_SERVICE,
  put_artifact: services('executor', 'release'),
};

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
