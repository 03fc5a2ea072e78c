/** What the environment may say; the only reader of it in this service. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { baseConfigSchema, confinementConfig, readConfig } from '@baton/service-host';
import { z } from 'zod';

export const releaseConfigSchema = baseConfigSchema.extend({
  ...confinementConfig,
  BATON_WORK_DIR: z
    .string()
    .min(1)
    .default(join(tmpdir(), 'baton-release'))
    .describe('give a directory for clones and workspaces, on a disk with room'),
  BATON_WORK_SLOTS: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(16)
    .describe('give how many integrations and landings may run side by side, 1 to 1000'),
  BATON_GIT_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(1_000)
    .max(3_600_000)
    .default(120_000)
    .describe('give how long one git command may take, in ms'),
});
export type ReleaseConfig = z.output<typeof releaseConfigSchema>;

/** What reaches agents, checks and git is chosen from this, name by name. */
export const ENVIRONMENT: Readonly<Record<string, string | undefined>> = process.env;

export const readReleaseConfig = (): ReleaseConfig => readConfig(releaseConfigSchema, process.env);
