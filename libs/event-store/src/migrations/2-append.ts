/** One function call appends a group: each append of it succeeds or fails alone, and positions have no gaps. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Append1795200000002 implements MigrationInterface {
  readonly name = 'Append1795200000002';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(REFUSE_FOREIGN);
    await queryRunner.query(REFUSE_UNFIT);
    await queryRunner.query(APPEND);
  }

  async down(): Promise<void> {
    throw new Error('the log cannot be unmade: restore a backup into another database instead');
  }
}

const REFUSE_FOREIGN = `
  CREATE FUNCTION baton.refuse_foreign(p_category text) RETURNS void
  LANGUAGE plpgsql SET search_path = baton, pg_temp AS $$
  BEGIN
    RAISE EXCEPTION 'role % may not write category %', quote_ident(session_user), quote_literal(p_category)
      USING ERRCODE = 'insufficient_privilege', HINT = 'SERVICES in libs/contracts/src/services.ts says who appends what';
  END $$;
`;

// Only called when append has found something wrong: names it.
const REFUSE_UNFIT = `
  CREATE FUNCTION baton.refuse_unfit(p_ids uuid[], p_types text[], p_metas text[], p_datas text[]) RETURNS void
  LANGUAGE plpgsql SET search_path = baton, pg_temp AS $$
  DECLARE
    unfit record;
  BEGIN
    SELECT e.id, octet_length(e.data) AS data_bytes, octet_length(e.meta) AS meta_bytes INTO unfit
    FROM unnest(p_ids, p_types, p_metas, p_datas) AS e(id, type, meta, data)
    WHERE octet_length(e.data) > 262144 OR octet_length(e.meta) > 16384 LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'event % is too large: data % bytes (EVENT_DATA_BYTES_MAX 262144), meta % bytes (EVENT_META_BYTES_MAX 16384); store it as an artifact and put its digest in the event',
        unfit.id, unfit.data_bytes, unfit.meta_bytes USING ERRCODE = 'program_limit_exceeded';
    END IF;
    RAISE EXCEPTION 'an event of this append has a missing field or a line break in type, meta or data: write JSON on one line'
      USING ERRCODE = 'invalid_parameter_value';
  END $$;
`;

/*
 * Statuses: 0 appended, 1 version conflict, 2 duplicate event. The appended events of a call have consecutive positions
 * from first_position on, in the order they were given.
 *
 * Arrays are filled by index because appending to them one by one is quadratic. Sequential scans are switched off because
 * the plans are made while the table is still empty, when a scan of it looks cheap.
 */
const APPEND = `
  CREATE FUNCTION baton.append(
    p_streams text[], p_expected integer[], p_counts integer[],
    p_deadline_keys text[], p_deadline_after_ms bigint[], p_deadline_holders text[],
    p_ids uuid[], p_types text[], p_metas text[], p_datas text[],
    OUT statuses integer[], OUT versions integer[], OUT first_position bigint, OUT recorded_at_us bigint, OUT hashes bytea
  )
  LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = baton, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
  DECLARE
    v_streams_count integer := cardinality(p_streams);
    v_events_count integer := cardinality(p_ids);
    v_categories text[];
    v_unfit boolean;
    v_stored integer[];
    v_same_stream integer[];
    v_known boolean[];
    v_same_id integer[];
    v_repeats boolean;
    v_positions bigint[];
    v_versions integer[];
    v_owners integer[];
    v_chain bytea[];
    v_position bigint;
    v_hash bytea;
    v_now timestamptz;
    v_foreign text;
    v_version integer;
    v_status integer;
    v_first integer;
    v_last integer := 0;
  BEGIN
    v_categories := ARRAY(SELECT g.category FROM baton.writer_grant g WHERE g.role = session_user);
    SELECT min(split_part(s.stream, '-', 1)) INTO v_foreign FROM unnest(p_streams) AS s(stream)
    WHERE (split_part(s.stream, '-', 1) = ANY (v_categories)) IS NOT TRUE;
    IF v_foreign IS NOT NULL THEN
      PERFORM baton.refuse_foreign(v_foreign);
    END IF;

    SELECT h.position, h.hash, greatest(h.recorded_at, clock_timestamp()) INTO STRICT v_position, v_hash, v_now
    FROM baton.log_head h FOR UPDATE;
    first_position := v_position + 1;
    recorded_at_us := extract(epoch FROM v_now) * 1000000;

    SELECT array_agg(coalesce(e.version, 0) ORDER BY s.n), array_agg(s.earlier ORDER BY s.n),
           bool_or(strpos(s.stream, E'\\n') > 0 OR strpos(s.stream, E'\\r') > 0 OR octet_length(s.stream) > 500 OR s.stream NOT LIKE '_%-_%')
    INTO v_stored, v_same_stream, v_unfit
    FROM (SELECT u.stream, u.n, lag(u.n::integer) OVER (PARTITION BY u.stream ORDER BY u.n) AS earlier
          FROM unnest(p_streams) WITH ORDINALITY AS u(stream, n)) s
    LEFT JOIN LATERAL (SELECT x.version FROM baton.events x WHERE x.stream = s.stream ORDER BY x.version DESC LIMIT 1) e ON true;
    IF v_unfit THEN
      RAISE EXCEPTION 'a stream is named <category>-<id>, at most 500 bytes, without line breaks' USING ERRCODE = 'invalid_parameter_value';
    END IF;

    SELECT array_agg(e.known IS NOT NULL ORDER BY s.n), array_agg(s.earlier ORDER BY s.n), bool_or(e.known OR s.earlier IS NOT NULL), bool_or(s.unfit)
    INTO v_known, v_same_id, v_repeats, v_unfit
    FROM (SELECT u.id, u.n, lag(u.n::integer) OVER (PARTITION BY u.id ORDER BY u.n) AS earlier,
                 (octet_length(u.data) <= 262144 AND octet_length(u.meta) <= 16384 AND u.id IS NOT NULL
                  AND strpos(u.data, E'\\n') + strpos(u.meta, E'\\n') + strpos(u.type, E'\\n') = 0
                  AND strpos(u.data, E'\\r') + strpos(u.meta, E'\\r') + strpos(u.type, E'\\r') = 0) IS NOT TRUE AS unfit
          FROM unnest(p_ids, p_types, p_metas, p_datas) WITH ORDINALITY AS u(id, type, meta, data, n)) s
    LEFT JOIN LATERAL (SELECT true AS known FROM baton.events x WHERE x.id = s.id LIMIT 1) e ON true;
    IF v_unfit THEN
      PERFORM baton.refuse_unfit(p_ids, p_types, p_metas, p_datas);
    END IF;
    IF (SELECT sum(c) <> v_events_count OR min(c) < 1 OR count(c) <> v_streams_count FROM unnest(p_counts) AS c) IS NOT FALSE THEN
      RAISE EXCEPTION 'the counts of an append call name each event once, and each append has at least one' USING ERRCODE = 'invalid_parameter_value';
    END IF;

    statuses := array_fill(NULL::integer, ARRAY[v_streams_count]);
    versions := array_fill(NULL::integer, ARRAY[v_streams_count]);
    v_positions := array_fill(NULL::bigint, ARRAY[v_events_count]);
    v_versions := array_fill(NULL::integer, ARRAY[v_events_count]);
    v_owners := array_fill(NULL::integer, ARRAY[v_events_count]);
    v_chain := array_fill(NULL::bytea, ARRAY[v_events_count]);

    FOR i IN 1 .. v_streams_count LOOP
      v_first := v_last + 1;
      v_last := v_last + p_counts[i];
      v_version := CASE WHEN v_same_stream[i] IS NULL THEN v_stored[i] ELSE versions[v_same_stream[i]] END;
      v_status := 0;
      IF v_repeats THEN
        FOR j IN v_first .. v_last LOOP
          -- Known = in the log by now: stored before this call, or appended earlier in it.
          v_known[j] := v_known[j] OR coalesce(v_known[v_same_id[j]], false);
          IF v_known[j] OR v_same_id[j] >= v_first THEN
            v_status := 2;
          END IF;
        END LOOP;
      END IF;
      IF v_status = 0 AND p_expected[i] IS DISTINCT FROM v_version THEN
        v_status := 1;
      END IF;
      IF v_status = 0 THEN
        FOR j IN v_first .. v_last LOOP
          v_position := v_position + 1;
          v_version := v_version + 1;
          v_hash := sha256(v_hash || convert_to(concat_ws(E'\\n',
            v_position, p_streams[i], v_version, p_ids[j], p_types[j], recorded_at_us, p_metas[j], p_datas[j]), 'UTF8'));
          v_positions[j] := v_position;
          v_versions[j] := v_version;
          v_owners[j] := i;
          v_chain[j] := v_hash;
          IF v_repeats THEN
            v_known[j] := true;
          END IF;
        END LOOP;
      END IF;
      statuses[i] := v_status;
      versions[i] := v_version;
    END LOOP;

    IF v_position < first_position THEN
      hashes := ''::bytea;
      RETURN;
    END IF;

    INSERT INTO baton.events (position, stream, version, id, type, recorded_at, meta, data, hash)
    SELECT n.position, p_streams[n.owner], n.version, n.id, n.type, v_now, n.meta, n.data, n.hash
    FROM unnest(v_positions, v_owners, v_versions, p_ids, p_types, p_metas, p_datas, v_chain)
      AS n(position, owner, version, id, type, meta, data, hash)
    WHERE n.position IS NOT NULL;

    UPDATE baton.log_head SET position = v_position, hash = v_hash, recorded_at = v_now;

    WITH latest AS (
      SELECT DISTINCT ON (s.stream) s.stream, s.key, s.after_ms, s.holder
      FROM unnest(p_streams, statuses, p_deadline_keys, p_deadline_after_ms, p_deadline_holders)
        WITH ORDINALITY AS s(stream, status, key, after_ms, holder, n)
      WHERE s.status = 0 ORDER BY s.stream, s.n DESC
    ), gone AS (
      DELETE FROM baton.deadlines d USING latest l WHERE d.stream = l.stream AND l.key IS NULL
    )
    INSERT INTO baton.deadlines (stream, category, key, holder, due_at)
    SELECT l.stream, split_part(l.stream, '-', 1), l.key, l.holder, clock_timestamp() + l.after_ms * interval '1 millisecond'
    FROM latest l WHERE l.key IS NOT NULL
    ON CONFLICT (stream) DO UPDATE SET key = excluded.key, holder = excluded.holder, due_at = excluded.due_at;

    SELECT string_agg(c.hash, ''::bytea ORDER BY c.n) INTO hashes FROM unnest(v_chain) WITH ORDINALITY AS c(hash, n);
    PERFORM pg_notify('baton_log', v_position::text);
  END $$;
`;
