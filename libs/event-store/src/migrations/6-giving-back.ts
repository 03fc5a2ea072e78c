/** What is given back to a consumer is not handled any more, also where the bus is lost before it was handled again. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class GivingBack1795200000006 implements MigrationInterface {
  readonly name = 'GivingBack1795200000006';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(LOWER);
  }

  async down(): Promise<void> {
    throw new Error('the log cannot be unmade: restore a backup into another database instead');
  }
}

// A consumer without a watermark has handled nothing: there is nothing to lower.
const LOWER = `
  CREATE FUNCTION baton.lower_watermark(p_consumer text, p_position bigint) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = baton, pg_temp AS $$
  BEGIN
    PERFORM baton.check_own_name(p_consumer);
    UPDATE baton.watermarks w SET position = p_position WHERE w.consumer = p_consumer AND w.position > p_position;
  END $$;
`;
