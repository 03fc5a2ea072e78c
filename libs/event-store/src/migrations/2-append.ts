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

// Only called when append has found an event that does not fit: says why.
const REFUSE_UNFIT = `
  CREATE FUNCTION baton.refuse_unfit(p_id uuid, p_meta text, p_data text) RETURNS void
  LANGUAGE plpgsql SET search_path = baton, pg_temp AS $$
  BEGIN
    IF octet_length(p_data) > 262144 OR octet_length(p_meta) > 16384 THEN
      RAISE EXCEPTION 'event % is too large: data % bytes (EVENT_DATA_BYTES_MAX 262144), meta % bytes (EVENT_META_BYTES_MAX 16384); store it as an artifact and put its digest in the event',
        p_id, octet_length(p_data), octet_length(p_meta) USING ERRCODE = 'program_limit_exceeded';
    END IF;
    RAISE EXCEPTION 'event % has a line break in type, meta or data: write JSON on one line', p_id USING ERRCODE = 'invalid_parameter_value';
  END $$;
`;

/*
 * Statuses: 0 appended, 1 version conflict, 2 duplicate event, 3 answers an event that is not in the log (ADR 0016). The appended events of a call have consecutive positions
 * from first_position on, in the order they were given; hashes holds 66 characters (\\x and hex) for each.
 * A call names each stream once: the client sees to it, and the unique indexes refuse the call otherwise. An id that is
 * known although the version fits is refused by its index: that is rare, and looking for it each time is not cheap.
 *
 * Few and plain statements, because starting one costs more than an event does. Arrays are filled by index because
 * appending to them one by one is quadratic. Sequential scans are off because plans are made while the tables are still
 * empty, when a scan looks cheap; JIT is off because it takes the penalty this puts on one-row tables for real work, and
 * compiles for 70 ms.
 *
 * Artifacts that the events name are kept by the same call: no event is ever without them, and they need no commit of their own.
 * What a notification can carry (under 8,000 bytes) is told with it, as the lines that are hashed: the relay need not ask.
 */
const APPEND = `
  CREATE FUNCTION baton.append(
    p_streams text[], p_expected integer[], p_counts integer[],
    p_deadline_keys text[], p_deadline_after_ms bigint[], p_deadline_holders text[],
    p_ids uuid[], p_types text[], p_metas text[], p_datas text[], p_artifacts bytea[] DEFAULT '{}',
    p_cause_positions bigint[] DEFAULT '{}', p_cause_digests text[] DEFAULT '{}',
    OUT statuses integer[], OUT versions integer[], OUT first_position bigint, OUT recorded_at_us bigint, OUT hashes text
  )
  LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = baton, pg_temp SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
  DECLARE
    v_events_count integer := cardinality(p_ids);
    v_categories text[];
    v_category text;
    v_channel text;
    v_positions bigint[] := array_fill(NULL::bigint, ARRAY[v_events_count]);
    v_streams text[] := array_fill(NULL::text, ARRAY[v_events_count]);
    v_versions integer[] := array_fill(NULL::integer, ARRAY[v_events_count]);
    v_chain bytea[] := array_fill(NULL::bytea, ARRAY[v_events_count]);
    v_position bigint;
    v_hash bytea;
    v_now timestamptz;
    v_version integer;
    v_first integer;
    v_last integer := 0;
    v_lines text;
    v_news text := '';
    v_ended text[] := '{}';
    v_waits boolean := false;
    v_told boolean;
    v_forged bigint[];
  BEGIN
    -- Before the lock, which every append of the log waits for.
    FOR i IN 1 .. cardinality(p_artifacts) LOOP
      IF NOT has_function_privilege(session_user, 'baton.put_artifact(bytea)', 'EXECUTE') THEN
        RAISE EXCEPTION 'role % may not store artifacts', quote_ident(session_user) USING ERRCODE = 'insufficient_privilege';
      END IF;
      PERFORM baton.put_artifact(p_artifacts[i]);
    END LOOP;
    SELECT array_agg(c.nth) INTO v_forged FROM unnest(p_cause_positions, p_cause_digests) WITH ORDINALITY AS c (position, digest, nth)
    WHERE c.position IS NOT NULL AND c.digest IS DISTINCT FROM (
      SELECT encode(sha256(convert_to(concat_ws(E'\\n', e.id, e.stream, e.version, e.type, e.data), 'UTF8')), 'hex')
      FROM baton.events e WHERE e.position = c.position);
    SELECT h.position, h.hash, greatest(h.recorded_at, clock_timestamp()),
           ARRAY(SELECT g.category FROM baton.writer_grant g WHERE g.role = session_user), (SELECT n.channel FROM baton.news n)
    INTO STRICT v_position, v_hash, v_now, v_categories, v_channel
    FROM baton.log_head h FOR UPDATE;
    first_position := v_position + 1;
    recorded_at_us := extract(epoch FROM v_now) * 1000000;
    statuses := array_fill(1, ARRAY[cardinality(p_streams)]);
    SELECT array_agg(coalesce((SELECT max(e.version) FROM baton.events e WHERE e.stream = s.stream), 0) ORDER BY s.nth)
    INTO versions FROM unnest(p_streams) WITH ORDINALITY AS s(stream, nth);

    FOR i IN 1 .. cardinality(p_streams) LOOP
      v_category := split_part(p_streams[i], '-', 1);
      IF (v_category = ANY (v_categories)) IS NOT TRUE THEN
        PERFORM baton.refuse_foreign(v_category);
      END IF;
      v_first := v_last + 1;
      v_last := v_last + p_counts[i];
      IF (strpos(p_streams[i], E'\\n') = 0 AND octet_length(p_streams[i]) <= 500 AND v_last >= v_first AND v_last <= v_events_count) IS NOT TRUE THEN
        RAISE EXCEPTION 'append to stream %: its name must have at most 500 bytes and no line break, and it needs at least one event',
          quote_nullable(p_streams[i]) USING ERRCODE = 'invalid_parameter_value';
      END IF;
      v_version := versions[i];
      IF i = ANY (v_forged) THEN
        statuses[i] := 3;
      ELSIF p_expected[i] = v_version THEN
        FOR j IN v_first .. v_last LOOP
          IF octet_length(p_datas[j]) > 262144 OR octet_length(p_metas[j]) > 16384
             OR strpos(concat(p_types[j], p_metas[j], p_datas[j]), E'\\n') > 0 THEN
            PERFORM baton.refuse_unfit(p_ids[j], p_metas[j], p_datas[j]);
          END IF;
          v_position := v_position + 1;
          v_version := v_version + 1;
          v_lines := concat_ws(E'\\n',
            v_position, p_streams[i], v_version, p_ids[j], p_types[j], recorded_at_us, p_metas[j], p_datas[j]);
          v_hash := sha256(v_hash || convert_to(v_lines, 'UTF8'));
          v_positions[j] := v_position;
          v_streams[j] := p_streams[i];
          v_versions[j] := v_version;
          v_chain[j] := v_hash;
          IF octet_length(v_news) < 8000 THEN
            v_news := concat_ws(E'\\n', nullif(v_news, ''), v_lines);
          END IF;
        END LOOP;
        IF p_deadline_keys[i] IS NULL THEN
          v_ended := v_ended || p_streams[i];
        ELSE
          v_waits := true;
        END IF;
        statuses[i] := 0;
        versions[i] := v_version;
      ELSIF EXISTS (SELECT FROM baton.events e WHERE e.id = ANY (p_ids[v_first:v_last])) THEN
        statuses[i] := 2;
      END IF;
    END LOOP;

    hashes := array_to_string(v_chain, '');
    IF v_position < first_position THEN
      RETURN;
    END IF;
    INSERT INTO baton.events (position, stream, version, id, type, recorded_at, meta, data, hash)
    SELECT v_positions[j], v_streams[j], v_versions[j], p_ids[j], p_types[j], v_now, p_metas[j], p_datas[j], v_chain[j]
    FROM generate_series(1, v_events_count) AS j WHERE v_positions[j] IS NOT NULL;
    IF v_ended <> '{}' THEN
      DELETE FROM baton.deadlines d WHERE d.stream = ANY (v_ended);
    END IF;
    IF v_waits THEN
      INSERT INTO baton.deadlines (stream, category, key, holder, due_at)
      SELECT p_streams[i], split_part(p_streams[i], '-', 1), p_deadline_keys[i], p_deadline_holders[i],
             clock_timestamp() + p_deadline_after_ms[i] * interval '1 millisecond'
      FROM generate_series(1, cardinality(p_streams)) AS i WHERE statuses[i] = 0 AND p_deadline_keys[i] IS NOT NULL
      ON CONFLICT (stream) DO UPDATE SET key = excluded.key, holder = excluded.holder, due_at = excluded.due_at;
    END IF;
    UPDATE baton.log_head SET position = v_position, hash = v_hash, recorded_at = v_now;
    -- Assigned, not performed: that is an expression, which costs less than a statement.
    v_told := pg_notify('baton_log', v_position::text) IS NULL;
    v_told := pg_notify(v_channel, CASE WHEN octet_length(v_news) < 8000 THEN v_news ELSE '' END) IS NULL;
  END $$;
`;
