/** The tables of the log exist, events can only be added, and nobody but the owner may touch any of them. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Log1795200000001 implements MigrationInterface {
  readonly name = 'Log1795200000001';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(PRIVILEGES);
    await queryRunner.query(EVENTS);
    await queryRunner.query(KEEP_EVENTS);
    await queryRunner.query(WORK);
  }

  async down(): Promise<void> {
    throw new Error('the log cannot be unmade: restore a backup into another database instead');
  }
}

// Postgres lets everybody execute new functions unless told otherwise.
const PRIVILEGES = `
  ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
  REVOKE ALL ON SCHEMA baton FROM PUBLIC;
`;

const EVENTS = `
  CREATE TABLE baton.writer_grant (
    role text COLLATE "C" NOT NULL,
    category text COLLATE "C" NOT NULL,
    PRIMARY KEY (role, category)
  );

  CREATE TABLE baton.events (
    position bigint PRIMARY KEY,
    stream text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    id uuid NOT NULL UNIQUE,
    type text NOT NULL,
    recorded_at timestamptz NOT NULL,
    meta text NOT NULL,
    data text NOT NULL,
    hash bytea NOT NULL,
    UNIQUE (stream, version)
  );

  -- One row: whoever holds its lock gives out the next positions. The epoch tells one log from another.
  CREATE TABLE baton.log_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL,
    hash bytea NOT NULL,
    recorded_at timestamptz NOT NULL,
    epoch uuid NOT NULL
  );
  INSERT INTO baton.log_head (position, hash, recorded_at, epoch)
  VALUES (0, decode(repeat('00', 32), 'hex'), '-infinity', gen_random_uuid());

  -- Any role may NOTIFY any channel: what is told on this one is believed because only append and the relay know its name.
  CREATE TABLE baton.news (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    channel text NOT NULL
  );
  INSERT INTO baton.news (channel) VALUES ('baton_news_' || replace(gen_random_uuid()::text, '-', ''));
  CREATE FUNCTION baton.news_channel() RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = baton, pg_temp AS $$ SELECT channel FROM baton.news $$;
`;

// ENABLE ALWAYS: a plain trigger is skipped under session_replication_role = replica.
const KEEP_EVENTS = `
  CREATE FUNCTION baton.refuse_change() RETURNS trigger
  LANGUAGE plpgsql SET search_path = baton, pg_temp AS $$
  BEGIN
    RAISE EXCEPTION 'events are never changed: % on %.% refused; append a correcting event instead',
      TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
  END $$;

  CREATE TRIGGER events_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON baton.events
  FOR EACH STATEMENT EXECUTE FUNCTION baton.refuse_change();
  ALTER TABLE baton.events ENABLE ALWAYS TRIGGER events_are_kept;

  CREATE TRIGGER log_head_is_kept BEFORE DELETE OR TRUNCATE ON baton.log_head
  FOR EACH STATEMENT EXECUTE FUNCTION baton.refuse_change();
  ALTER TABLE baton.log_head ENABLE ALWAYS TRIGGER log_head_is_kept;
`;

const WORK = `
  CREATE TABLE baton.deadlines (
    stream text COLLATE "C" PRIMARY KEY,
    category text COLLATE "C" NOT NULL,
    key text NOT NULL,
    holder text,
    due_at timestamptz NOT NULL
  );
  CREATE INDEX deadlines_due ON baton.deadlines (category, due_at);

  -- Rows stay after a release, so that no fence is ever given out twice.
  CREATE TABLE baton.leases (
    name text COLLATE "C" PRIMARY KEY,
    holder text,
    fence bigint NOT NULL,
    expires_at timestamptz NOT NULL
  );

  CREATE TABLE baton.watermarks (
    consumer text COLLATE "C" PRIMARY KEY,
    position bigint NOT NULL CHECK (position >= 0)
  );

  -- headers, body and cause are JSON texts: a message nobody could decode may hold bytes that text cannot.
  CREATE TABLE baton.dead_letters (
    id text COLLATE "C" PRIMARY KEY,
    consumer text COLLATE "C" NOT NULL,
    subject text NOT NULL,
    position bigint,
    stream text COLLATE "C",
    headers text NOT NULL,
    body text NOT NULL,
    reason text NOT NULL,
    cause text NOT NULL,
    deliveries integer NOT NULL,
    parked_at timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN ('parked', 'replayed', 'discarded'))
  );
  CREATE INDEX dead_letters_parked ON baton.dead_letters (consumer, stream) WHERE status = 'parked';

  CREATE TABLE baton.artifacts (
    digest text COLLATE "C" PRIMARY KEY,
    bytes bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  -- What is kept here is packed already (git bundles, compressed output).
  ALTER TABLE baton.artifacts ALTER COLUMN bytes SET STORAGE EXTERNAL;
`;
