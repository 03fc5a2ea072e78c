/** What the environment may say; the only reader of it in this service. */
import process from 'node:process';
import {
  baseConfigSchema,
  confinementConfig,
  gitTimeoutSetting,
  readConfig,
  workDirectorySetting,
  workSlotsSetting,
} from '@baton/service-host';
import type { z } from 'zod';

const releaseConfigSchema = baseConfigSchema.extend({
  ...confinementConfig,
  BATON_WORK_DIR: workDirectorySetting('baton-release'),
  BATON_WORK_SLOTS: workSlotsSetting(16, 'integrations and landings'),
  BATON_GIT_TIMEOUT_MS: gitTimeoutSetting,
});
export type ReleaseConfig = z.output<typeof releaseConfigSchema>;

/** What reaches agents, checks and git is chosen from this, name by name. */
export const ENVIRONMENT: Readonly<Record<string, string | undefined>> = process.env;

export const readReleaseConfig = (): ReleaseConfig => readConfig(releaseConfigSchema, process.env);
