/** What a process held that is dead is due at once: whoever knows of its death says so, for its own service only. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Predecessors1795200000005 implements MigrationInterface {
  readonly name = 'Predecessors1795200000005';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(HOLDERS);
    await queryRunner.query(LET_GO);
  }

  async down(): Promise<void> {
    throw new Error('the log cannot be unmade: restore a backup into another database instead');
  }
}

// The holder of a lease may be told apart further, after a space: `<process> <stream>`.
const HOLDERS = `
  CREATE FUNCTION baton.holders() RETURNS SETOF text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = baton, pg_temp AS $$
    SELECT d.holder FROM baton.deadlines d
    JOIN baton.writer_grant g ON g.role = session_user AND g.category = d.category WHERE d.holder IS NOT NULL
    UNION
    SELECT split_part(l.holder, ' ', 1) FROM baton.leases l WHERE l.holder IS NOT NULL AND baton.owns_name(l.name)
  $$;
`;

// A deadline keeps its holder: whoever claims it is told who had it. A lease keeps its fence: the next holder gets a greater one.
const LET_GO = `
  CREATE FUNCTION baton.let_go(p_holders text[]) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = baton, pg_temp AS $$
  DECLARE
    v_due bigint;
    v_free bigint;
  BEGIN
    UPDATE baton.deadlines d SET due_at = clock_timestamp()
    FROM baton.writer_grant g
    WHERE g.role = session_user AND g.category = d.category AND d.holder = ANY (p_holders) AND d.due_at > clock_timestamp();
    GET DIAGNOSTICS v_due = ROW_COUNT;
    UPDATE baton.leases l SET holder = NULL
    WHERE baton.owns_name(l.name) AND split_part(l.holder, ' ', 1) = ANY (p_holders);
    GET DIAGNOSTICS v_free = ROW_COUNT;
    RETURN v_due + v_free;
  END $$;
`;
