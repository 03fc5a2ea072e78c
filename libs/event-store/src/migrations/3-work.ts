/** Deadlines, leases, watermarks and dead letters are written through functions that keep each service to its own. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Work1795200000003 implements MigrationInterface {
  readonly name = 'Work1795200000003';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(OWN);
    await queryRunner.query(DEADLINES);
    await queryRunner.query(LEASES);
    await queryRunner.query(WATERMARKS);
    await queryRunner.query(DEAD_LETTERS);
  }

  async down(): Promise<void> {
    throw new Error('the log cannot be unmade: restore a backup into another database instead');
  }
}

// Leases and consumers are named <service>-<purpose>, and the role of a service is baton_<service>.
const OWN = `
  CREATE FUNCTION baton.check_own_category(p_category text) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = baton, pg_temp AS $$
  BEGIN
    IF NOT EXISTS (SELECT FROM baton.writer_grant g WHERE g.role = session_user AND g.category = p_category) THEN
      PERFORM baton.refuse_foreign(p_category);
    END IF;
  END $$;

  CREATE FUNCTION baton.owns_name(p_name text) RETURNS boolean
  LANGUAGE sql STABLE AS $$ SELECT starts_with('baton_' || p_name, session_user || '-') $$;

  CREATE FUNCTION baton.check_own_name(p_name text) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = baton, pg_temp AS $$
  BEGIN
    IF baton.owns_name(p_name) IS NOT TRUE THEN
      RAISE EXCEPTION 'role % may not write for %: the name must begin with its service and a dash',
        quote_ident(session_user), quote_nullable(p_name) USING ERRCODE = 'insufficient_privilege';
    END IF;
  END $$;
`;

// Claiming goes by the index even where its plan was made while the table was empty, when a scan looks cheap: with many
// missions waiting, each look would read all of them.
const DEADLINES = `
  CREATE FUNCTION baton.claim_due(p_categories text[], p_holder text, p_hold_ms bigint, p_limit integer)
  RETURNS TABLE (stream text, key text, last_holder text, due_at timestamptz)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = baton, pg_temp SET enable_seqscan = off AS $$
  #variable_conflict use_column
  BEGIN
    PERFORM baton.check_own_category(c) FROM unnest(p_categories) AS c;
    RETURN QUERY
    WITH due AS (
      SELECT d.stream, d.holder, d.due_at FROM baton.deadlines d
      WHERE d.category = ANY (p_categories) AND d.due_at <= clock_timestamp()
      ORDER BY d.due_at, d.stream LIMIT p_limit FOR UPDATE SKIP LOCKED
    ), claimed AS (
      UPDATE baton.deadlines d SET holder = p_holder, due_at = clock_timestamp() + p_hold_ms * interval '1 millisecond'
      FROM due WHERE d.stream = due.stream
      RETURNING d.stream, d.key, due.holder AS last_holder, due.due_at
    )
    SELECT c.stream, c.key, c.last_holder, c.due_at FROM claimed c ORDER BY c.due_at, c.stream;
  END $$;

  CREATE FUNCTION baton.extend_deadline(p_stream text, p_key text, p_holder text, p_after_ms bigint) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = baton, pg_temp AS $$
  BEGIN
    PERFORM baton.check_own_category(split_part(p_stream, '-', 1));
    UPDATE baton.deadlines d SET due_at = clock_timestamp() + p_after_ms * interval '1 millisecond'
    WHERE d.stream = p_stream AND d.key = p_key AND d.holder = p_holder;
    RETURN FOUND;
  END $$;

  CREATE FUNCTION baton.clear_deadline(p_stream text, p_key text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = baton, pg_temp AS $$
  BEGIN
    PERFORM baton.check_own_category(split_part(p_stream, '-', 1));
    DELETE FROM baton.deadlines d WHERE d.stream = p_stream AND d.key = p_key;
  END $$;
`;

const LEASES = `
  CREATE FUNCTION baton.acquire_lease(p_name text, p_holder text, p_ttl_ms bigint) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = baton, pg_temp AS $$
  DECLARE
    v_fence bigint;
  BEGIN
    PERFORM baton.check_own_name(p_name);
    INSERT INTO baton.leases AS l (name, holder, fence, expires_at)
    VALUES (p_name, p_holder, 1, clock_timestamp() + p_ttl_ms * interval '1 millisecond')
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = l.fence + 1, expires_at = excluded.expires_at
    WHERE l.holder IS NULL OR l.holder = excluded.holder OR l.expires_at <= clock_timestamp()
    RETURNING l.fence INTO v_fence;
    RETURN v_fence;
  END $$;

  -- A lease that ran out but was taken by nobody can be renewed: its fence is still the greatest.
  CREATE FUNCTION baton.renew_lease(p_name text, p_holder text, p_fence bigint, p_ttl_ms bigint) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = baton, pg_temp AS $$
  BEGIN
    PERFORM baton.check_own_name(p_name);
    UPDATE baton.leases l SET expires_at = clock_timestamp() + p_ttl_ms * interval '1 millisecond'
    WHERE l.name = p_name AND l.holder = p_holder AND l.fence = p_fence;
    RETURN FOUND;
  END $$;

  CREATE FUNCTION baton.release_lease(p_name text, p_holder text, p_fence bigint) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = baton, pg_temp AS $$
  BEGIN
    PERFORM baton.check_own_name(p_name);
    UPDATE baton.leases l SET holder = NULL WHERE l.name = p_name AND l.holder = p_holder AND l.fence = p_fence;
  END $$;
`;

const WATERMARKS = `
  CREATE FUNCTION baton.advance_watermark(p_consumer text, p_position bigint) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = baton, pg_temp AS $$
  BEGIN
    PERFORM baton.check_own_name(p_consumer);
    INSERT INTO baton.watermarks AS w (consumer, position) VALUES (p_consumer, p_position)
    ON CONFLICT (consumer) DO UPDATE SET position = excluded.position WHERE w.position < excluded.position;
  END $$;
`;

// Reading is limited as well: bodies of other services' messages are none of one's business.
const DEAD_LETTERS = `
  CREATE FUNCTION baton.park(
    p_id text, p_consumer text, p_subject text, p_position bigint, p_stream text,
    p_headers text, p_body text, p_reason text, p_cause text, p_deliveries integer
  ) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = baton, pg_temp AS $$
  BEGIN
    PERFORM baton.check_own_name(p_consumer);
    -- A letter that was replayed and failed again is parked again; a discarded one stays as a person left it.
    INSERT INTO baton.dead_letters AS d (id, consumer, subject, position, stream, headers, body, reason, cause, deliveries, parked_at, status)
    VALUES (p_id, p_consumer, p_subject, p_position, p_stream, p_headers, p_body, p_reason, p_cause, p_deliveries, clock_timestamp(), 'parked')
    ON CONFLICT (id) DO UPDATE SET status = excluded.status, parked_at = excluded.parked_at,
      reason = excluded.reason, cause = excluded.cause, deliveries = excluded.deliveries
    WHERE d.status = 'replayed' AND d.consumer = excluded.consumer;
  END $$;

  CREATE FUNCTION baton.is_parked(p_consumer text, p_stream text) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = baton, pg_temp AS $$
  BEGIN
    PERFORM baton.check_own_name(p_consumer);
    RETURN EXISTS (SELECT FROM baton.dead_letters d WHERE d.consumer = p_consumer AND d.stream = p_stream AND d.status = 'parked');
  END $$;

  CREATE FUNCTION baton.list_dead_letters(p_consumer text, p_status text) RETURNS SETOF baton.dead_letters
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = baton, pg_temp AS $$
  DECLARE
    v_reads_all boolean := has_table_privilege(session_user, 'baton.dead_letters', 'SELECT');
  BEGIN
    RETURN QUERY SELECT d.* FROM baton.dead_letters d
    WHERE (v_reads_all OR baton.owns_name(d.consumer))
      AND (p_consumer IS NULL OR d.consumer = p_consumer) AND (p_status IS NULL OR d.status = p_status)
    ORDER BY d.parked_at, d.id;
  END $$;

  CREATE FUNCTION baton.settle_dead_letter(p_id text, p_status text) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = baton, pg_temp AS $$
  BEGIN
    PERFORM baton.check_own_name(d.consumer) FROM baton.dead_letters d WHERE d.id = p_id;
    UPDATE baton.dead_letters d SET status = p_status WHERE d.id = p_id AND d.status = 'parked';
    RETURN FOUND;
  END $$;
`;
