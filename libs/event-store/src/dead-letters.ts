/** What could not be handled is kept whole, even where text in Postgres could not hold it, until somebody settles it. */
import type { DeadLetter, DeadLetters, KeptDeadLetter, PutAside } from '@baton/ports';
import type { Ask } from './connections.ts';

const PARK = `
  SELECT baton.park($1::text, $2::text, $3::text, $4::bigint, $5::text, $6::text, $7::text, $8::text, $9::text, $10::integer)`;
const IS_PARKED = `SELECT baton.is_parked($1::text, $2::text) AS parked`;
const PUT_ASIDE = `SELECT streams, discarded_up_to FROM baton.put_aside($1::text)`;
const COUNTS = `SELECT consumer, reason, parked FROM baton.count_dead_letters()`;
const LETTER = `
  SELECT id, consumer, subject, position, stream, headers, body, reason, cause, deliveries, status,
         to_char(parked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS parked_at`;
const LIST = `${LETTER} FROM baton.list_dead_letters($1::text, $2::text)`;
const FIND = `${LETTER} FROM baton.find_dead_letter($1::text)`;
const SETTLE = `SELECT baton.settle_dead_letter($1::text, $2::text) AS settled`;

/** JSON escapes NUL and lone surrogates, so the text that comes back is the text that was given. */
type LetterRow = Omit<KeptDeadLetter, 'headers'> & { readonly headers: string };
const letterIn = (row: LetterRow): KeptDeadLetter => ({
  ...row,
  headers: JSON.parse(row.headers) as KeptDeadLetter['headers'],
  body: JSON.parse(row.body) as string,
  cause: JSON.parse(row.cause) as string,
});

export const postgresDeadLetters = (ask: Ask): DeadLetters => ({
  park: async (letter) => {
    const { id, consumer, subject, position, stream, headers, body, reason, cause, deliveries } = letter;
    const values = [
      id,
      consumer,
      subject,
      position,
      stream,
      JSON.stringify(headers),
      JSON.stringify(body),
      reason,
      JSON.stringify(cause),
      deliveries,
    ];
    await ask({ name: 'park', text: PARK, values });
  },
  isParked: async (consumer, stream) => {
    const [row] = await ask<{ parked: boolean }>({ name: 'is-parked', text: IS_PARKED, values: [consumer, stream] });
    return row?.parked === true;
  },
  list: async ({ consumer, status } = {}) => {
    const rows = await ask<LetterRow>({ name: 'list-dead-letters', text: LIST, values: [consumer ?? null, status ?? null] });
    return rows.map(letterIn);
  },
  putAside: async (consumer) => {
    const [row] = await ask<PutAside>({ name: 'put-aside', text: PUT_ASIDE, values: [consumer] });
    return row ?? { streams: [], discarded_up_to: 0 };
  },
  find: async (id) => {
    const [row] = await ask<LetterRow>({ name: 'find-dead-letter', text: FIND, values: [id] });
    return row ? letterIn(row) : null;
  },
  counts: () =>
    ask<{ readonly consumer: string; readonly reason: DeadLetter['reason']; readonly parked: number }>({
      name: 'count-dead-letters',
      text: COUNTS,
      values: [],
    }),
  settle: async (id, status) => {
    const [row] = await ask<{ settled: boolean }>({ name: 'settle-dead-letter', text: SETTLE, values: [id, status] });
    return row?.settled === true;
  },
});
