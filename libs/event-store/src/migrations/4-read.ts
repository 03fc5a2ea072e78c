/** Streams are loaded by their owners and by those who read everything; artifacts are named by Postgres, not by the caller. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Read1795200000004 implements MigrationInterface {
  readonly name = 'Read1795200000004';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(LOAD_STREAM);
    await queryRunner.query(ARTIFACTS);
  }

  async down(): Promise<void> {
    throw new Error('the log cannot be unmade: restore a backup into another database instead');
  }
}

const LOAD_STREAM = `
  CREATE FUNCTION baton.load_stream(p_stream text, p_after integer, p_limit integer) RETURNS SETOF baton.events
  LANGUAGE plpgsql STABLE SECURITY DEFINER
  SET search_path = baton, pg_temp SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
  BEGIN
    IF NOT has_table_privilege(session_user, 'baton.events', 'SELECT') THEN
      PERFORM baton.check_own_category(split_part(p_stream, '-', 1));
    END IF;
    RETURN QUERY SELECT e.* FROM baton.events e WHERE e.stream = p_stream AND e.version > p_after ORDER BY e.version LIMIT p_limit;
  END $$;
`;

const ARTIFACTS = `
  CREATE FUNCTION baton.put_artifact(p_bytes bytea) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = baton, pg_temp AS $$
  DECLARE
    v_digest text := 'sha256:' || encode(sha256(p_bytes), 'hex');
  BEGIN
    INSERT INTO baton.artifacts (digest, bytes) VALUES (v_digest, p_bytes) ON CONFLICT (digest) DO NOTHING;
    RETURN v_digest;
  END $$;
`;
