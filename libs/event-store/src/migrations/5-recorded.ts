/** A service can ask whether an event that reached it is in the log, without being let to read the log. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Recorded1795200000021 implements MigrationInterface {
  readonly name = 'Recorded1795200000021';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(ARE_RECORDED);
  }

  async down(): Promise<void> {
    throw new Error('the log cannot be unmade: restore a backup into another database instead');
  }
}

// Answers about many at once. Whoever asks knows the event already: a digest that fits tells nothing new, and one that does
// not fit tells nothing at all.
const ARE_RECORDED = `
  CREATE FUNCTION baton.are_recorded(p_positions bigint[], p_digests text[]) RETURNS boolean[]
  LANGUAGE plpgsql STABLE SECURITY DEFINER
  SET search_path = baton, pg_temp SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
  BEGIN
    RETURN ARRAY(
      SELECT coalesce(c.digest = encode(sha256(convert_to(concat_ws(E'\\n', e.id, e.stream, e.version, e.type, e.data), 'UTF8')), 'hex'), false)
      FROM unnest(p_positions, p_digests) WITH ORDINALITY AS c (position, digest, ordinal)
      LEFT JOIN baton.events e ON e.position = c.position ORDER BY c.ordinal
    );
  END $$;
`;
