/** What somebody would try who got hold of a service's password. Each has to be refused by Postgres itself (SQLSTATE 42501). */

const EVENT = "(999, 'mission-forged', 1, gen_random_uuid(), 'Forged', now(), '{}', '{}', '')";

/** Refused to every role that can log in. */
export const ATTACKS: readonly string[] = [
  // History.
  "UPDATE baton.events SET data = '{}'",
  'DELETE FROM baton.events',
  'TRUNCATE baton.events',
  'TRUNCATE baton.events, baton.log_head CASCADE',
  `INSERT INTO baton.events VALUES ${EVENT}`,
  `INSERT INTO baton.events OVERRIDING SYSTEM VALUE VALUES ${EVENT}`,
  `INSERT INTO baton.events VALUES ${EVENT} ON CONFLICT (position) DO UPDATE SET data = '{}'`,
  'COPY baton.events FROM STDIN',
  'UPDATE baton.log_head SET position = 999',
  'DELETE FROM baton.log_head',
  // The guards.
  'ALTER TABLE baton.events DISABLE TRIGGER ALL',
  'ALTER TABLE baton.events DISABLE TRIGGER events_are_kept',
  'DROP TRIGGER events_are_kept ON baton.events',
  'CREATE TRIGGER mine BEFORE INSERT ON baton.events FOR EACH ROW EXECUTE FUNCTION baton.refuse_change()',
  'CREATE RULE mine AS ON INSERT TO baton.events DO INSTEAD NOTHING',
  'DROP TABLE baton.events',
  'DROP SCHEMA baton CASCADE',
  'SET session_replication_role = replica',
  'DROP FUNCTION baton.append',
  'ALTER FUNCTION baton.append SECURITY INVOKER',
  "ALTER FUNCTION baton.append SET search_path = 'pg_temp'",
  'SELECT baton.refuse_change()',
  "SELECT baton.refuse_foreign('plan')",
  // Who one is, and what one may.
  'SET ROLE baton_owner',
  'SET SESSION AUTHORIZATION baton_owner',
  'GRANT baton_owner TO CURRENT_USER',
  'ALTER ROLE CURRENT_USER SUPERUSER',
  'ALTER ROLE CURRENT_USER CREATEROLE',
  'ALTER ROLE CURRENT_USER BYPASSRLS',
  'ALTER ROLE CURRENT_USER REPLICATION',
  'ALTER ROLE baton_owner LOGIN',
  "ALTER ROLE baton_owner PASSWORD 'x'",
  'CREATE ROLE baton_mine LOGIN',
  'DROP OWNED BY baton_owner',
  'REASSIGN OWNED BY baton_owner TO CURRENT_USER',
  'ALTER TABLE baton.events OWNER TO CURRENT_USER',
  'ALTER DEFAULT PRIVILEGES FOR ROLE baton_owner GRANT ALL ON TABLES TO PUBLIC',
  "INSERT INTO baton.writer_grant VALUES (current_user, 'plan')",
  "ALTER SYSTEM SET synchronous_commit = 'off'",
  // What others work with.
  "INSERT INTO baton.deadlines VALUES ('plan-1', 'plan', 'k', null, now())",
  'UPDATE baton.deadlines SET due_at = now()',
  'DELETE FROM baton.deadlines',
  "INSERT INTO baton.leases VALUES ('release-x', 'h', 1, now())",
  'UPDATE baton.leases SET fence = 0',
  'DELETE FROM baton.leases',
  "INSERT INTO baton.watermarks VALUES ('planner-react', 1)",
  'UPDATE baton.watermarks SET position = 0',
  'DELETE FROM baton.watermarks',
  "UPDATE baton.dead_letters SET status = 'discarded'",
  'DELETE FROM baton.dead_letters',
  "INSERT INTO baton.artifacts VALUES ('sha256:00', '')",
  "UPDATE baton.artifacts SET bytes = ''",
  'DELETE FROM baton.artifacts',
  // Holding what every append waits for.
  'DO $$ BEGIN LOCK TABLE baton.log_head IN ACCESS EXCLUSIVE MODE; END $$',
  'DO $$ BEGIN LOCK TABLE baton.events IN SHARE MODE; END $$',
  'SELECT FROM baton.log_head FOR UPDATE',
  // A place of one's own beside it.
  'CREATE SCHEMA mine',
  'CREATE TABLE baton.mine ()',
  'CREATE TYPE baton.mine AS (x int)',
  'CREATE FUNCTION baton.mine() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
  'CREATE FUNCTION baton.append(text) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
  'CREATE OPERATOR baton.= (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)',
  // The machine.
  "COPY (SELECT 1) TO PROGRAM 'true'",
  "COPY (SELECT 1) TO '/tmp/baton-attack'",
  "SELECT pg_read_file('PG_VERSION')",
  "SELECT pg_read_binary_file('PG_VERSION')",
  "SELECT pg_ls_dir('.')",
  "SELECT lo_import('/etc/hostname')",
  "SELECT lo_export(1, '/tmp/baton-attack')",
  'SELECT pg_reload_conf()',
  'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IS DISTINCT FROM session_user',
];

/**
 * Everything that a definer function names, made anew where a careless search path would look first: tables that say what the
 * attacker wants to hear, functions and operators that agree with everything.
 */
export const HIJACK = `
  CREATE TEMP TABLE writer_grant AS SELECT r AS role, c AS category
    FROM unnest(ARRAY[session_user::text]) r, unnest(ARRAY['mission', 'plan', 'task', 'review', 'gate', 'release']) c;
  CREATE TEMP TABLE log_head (only_row boolean, position bigint, hash bytea, recorded_at timestamptz, epoch uuid);
  CREATE TEMP TABLE events (position bigint, stream text, version int, id uuid, type text, recorded_at timestamptz, meta text, data text, hash bytea);
  CREATE TEMP TABLE deadlines (stream text PRIMARY KEY, category text, key text, holder text, due_at timestamptz);
  CREATE TEMP TABLE leases (name text PRIMARY KEY, holder text, fence bigint, expires_at timestamptz);
  CREATE TEMP TABLE watermarks (consumer text PRIMARY KEY, position bigint);
  CREATE TEMP TABLE dead_letters (id text PRIMARY KEY, consumer text, subject text, position bigint, stream text, headers text,
    body text, reason text, cause text, deliveries int, parked_at timestamptz, status text);
  CREATE TEMP TABLE artifacts (digest text PRIMARY KEY, bytes bytea, stored_at timestamptz DEFAULT now());
  CREATE FUNCTION pg_temp.split_part(text, text, int) RETURNS text LANGUAGE sql AS $$ SELECT 'mission' $$;
  CREATE FUNCTION pg_temp.starts_with(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
  CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT ''::bytea $$;
  CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT 'infinity'::timestamptz $$;
  CREATE FUNCTION pg_temp.has_table_privilege(name, text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
  CREATE FUNCTION pg_temp.refuse_foreign(text) RETURNS void LANGUAGE sql AS $$ SELECT $$;
  CREATE FUNCTION pg_temp.check_own_category(text) RETURNS void LANGUAGE sql AS $$ SELECT $$;
  CREATE FUNCTION pg_temp.check_own_name(text) RETURNS void LANGUAGE sql AS $$ SELECT $$;
  CREATE FUNCTION pg_temp.owns_name(text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
  CREATE FUNCTION pg_temp.yes(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
  CREATE OPERATOR pg_temp.= (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.yes);
  SET search_path = pg_temp, baton, pg_catalog;
`;
export const HIJACKED_TABLES = ['events', 'deadlines', 'leases', 'watermarks', 'dead_letters', 'artifacts'] as const;
