/** What handling and metrics have to know of dead letters is read without reading the letters; what is tried alone parks no stream. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class PutAside1795200000007 implements MigrationInterface {
  readonly name = 'PutAside1795200000007';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(INDEXES);
    await queryRunner.query(PARK);
    await queryRunner.query(PUT_ASIDE);
    await queryRunner.query(FIND);
    await queryRunner.query(COUNTS);
  }

  async down(): Promise<void> {
    throw new Error('the log cannot be unmade: restore a backup into another database instead');
  }
}

// Discarded letters are kept for ever, and parked ones may be many: each look is at the ends of an index, or at nothing else.
const INDEXES = `
  CREATE INDEX dead_letters_discarded ON baton.dead_letters (consumer, position) WHERE status = 'discarded';
  CREATE INDEX dead_letters_reasons ON baton.dead_letters (consumer, reason) WHERE status = 'parked';
`;

// A letter that was replayed and failed again is parked again; a discarded one stays as a person left it. One without a
// stream whose message is tried alone says afterwards what came of that, and parks its stream only then.
const PARK = `
  CREATE OR REPLACE FUNCTION baton.park(
    p_id text, p_consumer text, p_subject text, p_position bigint, p_stream text,
    p_headers text, p_body text, p_reason text, p_cause text, p_deliveries integer
  ) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = baton, pg_temp AS $$
  BEGIN
    PERFORM baton.check_own_name(p_consumer);
    INSERT INTO baton.dead_letters AS d (id, consumer, subject, position, stream, headers, body, reason, cause, deliveries, parked_at, status)
    VALUES (p_id, p_consumer, p_subject, p_position, p_stream, p_headers, p_body, p_reason, p_cause, p_deliveries, clock_timestamp(), 'parked')
    ON CONFLICT (id) DO UPDATE SET status = excluded.status, parked_at = excluded.parked_at, stream = excluded.stream,
      reason = excluded.reason, cause = excluded.cause, deliveries = excluded.deliveries
    WHERE d.consumer = excluded.consumer AND (d.status = 'replayed' OR (
      d.status = 'parked' AND d.reason = 'handler-crashed' AND d.stream IS NULL
      AND (excluded.stream IS NOT NULL OR excluded.reason <> d.reason)));
  END $$;
`;

// From one stream to the next by the index: a stream with many letters costs as much as one with a single one. Plans that
// were made while the table was empty would read all of it.
const PUT_ASIDE = `
  CREATE FUNCTION baton.put_aside(p_consumer text) RETURNS TABLE (streams text[], discarded_up_to bigint)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = baton, pg_temp SET enable_seqscan = off AS $$
  BEGIN
    PERFORM baton.check_own_name(p_consumer);
    RETURN QUERY
    WITH RECURSIVE parked AS (
      SELECT (SELECT min(d.stream) FROM baton.dead_letters d WHERE d.consumer = p_consumer AND d.status = 'parked') AS stream
      UNION ALL
      SELECT (
        SELECT min(d.stream) FROM baton.dead_letters d
        WHERE d.consumer = p_consumer AND d.status = 'parked' AND d.stream > parked.stream
      ) FROM parked WHERE parked.stream IS NOT NULL
    )
    SELECT
      ARRAY(SELECT p.stream FROM parked p WHERE p.stream IS NOT NULL),
      coalesce((SELECT max(d.position) FROM baton.dead_letters d WHERE d.consumer = p_consumer AND d.status = 'discarded'), 0);
  END $$;
`;

const FIND = `
  CREATE FUNCTION baton.find_dead_letter(p_id text) RETURNS SETOF baton.dead_letters
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = baton, pg_temp AS $$
  BEGIN
    RETURN QUERY SELECT d.* FROM baton.dead_letters d
    WHERE d.id = p_id AND (has_table_privilege(session_user, 'baton.dead_letters', 'SELECT') OR baton.owns_name(d.consumer));
  END $$;
`;

const COUNTS = `
  CREATE FUNCTION baton.count_dead_letters() RETURNS TABLE (consumer text, reason text, parked bigint)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = baton, pg_temp AS $$
  DECLARE
    v_reads_all boolean := has_table_privilege(session_user, 'baton.dead_letters', 'SELECT');
  BEGIN
    RETURN QUERY SELECT d.consumer, d.reason, count(*) FROM baton.dead_letters d
    WHERE d.status = 'parked' AND (v_reads_all OR baton.owns_name(d.consumer))
    GROUP BY d.consumer, d.reason ORDER BY d.consumer, d.reason;
  END $$;
`;
