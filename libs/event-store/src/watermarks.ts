/** How far each consumer has come is kept where the bus cannot lose it, and goes back only where something is given back to it. */
import type { Watermarks } from '@baton/ports';
import type { Ask } from './connections.ts';

const ADVANCE = `SELECT baton.advance_watermark($1::text, $2::bigint)`;
const LOWER = `SELECT baton.lower_watermark($1::text, $2::bigint)`;
const READ = `SELECT consumer, position FROM baton.watermarks`;

export const postgresWatermarks = (ask: Ask): Watermarks => ({
  advance: async (consumer, position) => {
    await ask({ name: 'advance-watermark', text: ADVANCE, values: [consumer, position] });
  },
  lower: async (consumer, position) => {
    await ask({ name: 'lower-watermark', text: LOWER, values: [consumer, position] });
  },
  read: async () => {
    const rows = await ask<{ consumer: string; position: number }>({ name: 'read-watermarks', text: READ });
    return new Map(rows.map((row) => [row.consumer, row.position]));
  },
});
