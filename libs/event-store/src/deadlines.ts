/** Deadlines come due by the clock of Postgres and are taken over by exactly one process at a time. */
import type { DueDeadline, EventLog } from '@baton/ports';
import type { Ask } from './connections.ts';

const CLAIM_DUE = `
  SELECT stream, key, last_holder, to_char(due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS due_at
  FROM baton.claim_due($1::text[], $2::text, $3::bigint, $4::integer)`;
const EXTEND = `SELECT baton.extend_deadline($1::text, $2::text, $3::text, $4::bigint) AS extended`;
const CLEAR = `SELECT baton.clear_deadline($1::text, $2::text)`;

export const postgresDeadlines = (ask: Ask): Pick<EventLog, 'claimDue' | 'extend' | 'clearDeadline'> => ({
  // Repeated after a broken connection it may miss what it had just taken: that comes back when hold_ms is over.
  claimDue: ({ categories, holder, hold_ms, limit }) =>
    ask<DueDeadline>({ name: 'claim-due', text: CLAIM_DUE, values: [[...categories], holder, hold_ms, limit] }),

  extend: async ({ stream, key, holder, after_ms }) => {
    const [row] = await ask<{ extended: boolean }>({
      name: 'extend-deadline',
      text: EXTEND,
      values: [stream, key, holder, after_ms],
    });
    return row?.extended === true;
  },

  clearDeadline: async (stream, key) => {
    await ask({ name: 'clear-deadline', text: CLEAR, values: [stream, key] });
  },
});
