/**
 * `parts.json` in the home directory: what single parts of a local stack get beyond what all get, read at each start of a part.
 * To look at one service closely, and for tests that break one part at a time.
 */
import { SERVICE_NAMES } from '@baton/contracts';
import { z } from 'zod';
import { readJson, type Home } from './home.ts';

const partSettingsSchema = z.strictObject({
  services: z
    .partialRecord(
      z.enum(SERVICE_NAMES),
      z.strictObject({
        env: z.record(z.string(), z.string()).default({}),
        /** A command that runs the service, such as `ip netns exec <name>`. */
        under: z.array(z.string().min(1)).default([]),
      }),
    )
    .default({}),
  /** Server settings, as in postgresql.conf. */
  postgres: z.record(z.string(), z.string()).default({}),
  /** `always`, or how long what was acknowledged may stay in memory. */
  nats_sync_interval: z.string().min(1).optional(),
});
export type PartSettings = z.output<typeof partSettingsSchema>;

export const partSettings = (home: Home): PartSettings =>
  readJson(home.parts_file, partSettingsSchema) ?? { services: {}, postgres: {} };
