/** One holder per name at a time, and every new holder gets a greater fence than all before. */
import type { Leases } from '@baton/ports';
import type { Ask } from './connections.ts';

const ACQUIRE = `SELECT baton.acquire_lease($1::text, $2::text, $3::bigint) AS fence`;
const RENEW = `SELECT baton.renew_lease($1::text, $2::text, $3::bigint, $4::bigint) AS renewed`;
const RELEASE = `SELECT baton.release_lease($1::text, $2::text, $3::bigint)`;

export const postgresLeases = (ask: Ask): Leases => ({
  acquire: async ({ name, holder, ttl_ms }) => {
    const [row] = await ask<{ fence: number | null }>({ name: 'acquire-lease', text: ACQUIRE, values: [name, holder, ttl_ms] });
    return row?.fence ?? null;
  },
  renew: async ({ name, holder, fence, ttl_ms }) => {
    const [row] = await ask<{ renewed: boolean }>({ name: 'renew-lease', text: RENEW, values: [name, holder, fence, ttl_ms] });
    return row?.renewed === true;
  },
  release: async ({ name, holder, fence }) => {
    await ask({ name: 'release-lease', text: RELEASE, values: [name, holder, fence] });
  },
});
