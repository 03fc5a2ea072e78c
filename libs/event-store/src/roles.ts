/** Each service has a login role of its own, an auditor may read, and a role nobody logs in as owns everything. */
import pg from 'pg';
import { AUDITOR_ROLE, SERVICE_NAMES, roleOf } from '@baton/contracts';

export const OWNER_ROLE = 'baton_owner';
export const LOGIN_ROLES: readonly string[] = [...SERVICE_NAMES.map(roleOf), AUDITOR_ROLE];

/** Roles belong to the whole cluster, so databases that are made at the same time meet here. */
const ROLE_ATTEMPTS_MAX = 50;
const ROLE_RETRY_MS = 20;

/** What Postgres says when two sessions made or altered the same role: exists by now, or "tuple concurrently updated". */
const CONCURRENT_ROLE_CODES: ReadonlySet<string> = new Set(['42710', '23505', 'XX000']);

export async function ensureRoles(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ rolname: string }>('SELECT rolname FROM pg_roles WHERE rolname = ANY ($1)', [
    [OWNER_ROLE, ...LOGIN_ROLES],
  ]);
  const existing = new Set(rows.map((row) => row.rolname));
  if (!existing.has(OWNER_ROLE)) await alterRole(client, `CREATE ROLE ${client.escapeIdentifier(OWNER_ROLE)} NOLOGIN`);
  for (const role of LOGIN_ROLES) {
    if (!existing.has(role)) await alterRole(client, `CREATE ROLE ${client.escapeIdentifier(role)} LOGIN NOINHERIT`);
  }
  const member = await client.query<{ member: boolean }>("SELECT pg_has_role(current_user, $1, 'MEMBER') AS member", [
    OWNER_ROLE,
  ]);
  if (member.rows[0]?.member !== true) await alterRole(client, `GRANT ${client.escapeIdentifier(OWNER_ROLE)} TO CURRENT_USER`);
}

/** Everything that a dump of the log names as owner or grantee; `url` is that of a role which may create roles. */
export async function makeRoles(url: string, passwords: Readonly<Record<string, string>>): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'baton-provision' });
  await client.connect();
  try {
    await ensureRoles(client);
  } finally {
    await client.end();
  }
  await setPasswords(url, passwords);
}

/** Gives the login roles their passwords; `url` is that of a role which may alter roles. */
export async function setPasswords(url: string, passwords: Readonly<Record<string, string>>): Promise<void> {
  const unknown = Object.keys(passwords).find((role) => !LOGIN_ROLES.includes(role));
  if (unknown !== undefined) throw new Error(`${unknown} is not a role of Baton: name one of ${LOGIN_ROLES.join(', ')}`);
  const client = new pg.Client({ connectionString: url, application_name: 'baton-provision' });
  await client.connect();
  try {
    for (const [role, password] of Object.entries(passwords)) {
      await alterRole(client, `ALTER ROLE ${client.escapeIdentifier(role)} PASSWORD ${client.escapeLiteral(password)}`);
    }
  } finally {
    await client.end();
  }
}

async function alterRole(client: pg.Client, statement: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query(statement);
      return;
    } catch (error) {
      const code = error instanceof pg.DatabaseError ? (error.code ?? '') : '';
      if (!CONCURRENT_ROLE_CODES.has(code) || attempt === ROLE_ATTEMPTS_MAX) throw error;
      if (statement.startsWith('CREATE ROLE')) return;
      await new Promise((resolve) => setTimeout(resolve, ROLE_RETRY_MS));
    }
  }
}
