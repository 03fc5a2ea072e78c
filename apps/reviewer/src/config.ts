/** What the environment may say; the only reader of it in this service. */
import process from 'node:process';
import { baseConfigSchema, gitTimeoutSetting, readConfig, workDirectorySetting, workSlotsSetting } from '@baton/service-host';
import type { z } from 'zod';

const reviewerConfigSchema = baseConfigSchema.extend({
  BATON_WORK_DIR: workDirectorySetting('baton-reviewer'),
  BATON_WORK_SLOTS: workSlotsSetting(32, 'reviews'),
  BATON_GIT_TIMEOUT_MS: gitTimeoutSetting,
});
export type ReviewerConfig = z.output<typeof reviewerConfigSchema>;

/** What reaches agents, checks and git is chosen from this, name by name. */
export const ENVIRONMENT: Readonly<Record<string, string | undefined>> = process.env;

export const readReviewerConfig = (): ReviewerConfig => readConfig(reviewerConfigSchema, process.env);
