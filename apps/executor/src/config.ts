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
import { z } from 'zod';

const executorConfigSchema = baseConfigSchema.extend({
  ...confinementConfig,
  BATON_WORK_DIR: workDirectorySetting('baton-executor'),
  BATON_WORK_SLOTS: workSlotsSetting(8, 'attempts'),
  BATON_GIT_TIMEOUT_MS: gitTimeoutSetting,
  BATON_AGENT_KILL_GRACE_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(60_000)
    .default(2_000)
    .describe('give how long an agent has between SIGTERM and SIGKILL, in ms'),
  BATON_AGENT_OUTPUT_BYTES_MAX: z.coerce
    .number()
    .int()
    .min(10_000)
    .max(100_000_000)
    .default(1_000_000)
    .describe('give how much of what an agent prints is kept, in bytes'),
});
export type ExecutorConfig = z.output<typeof executorConfigSchema>;

/** What reaches agents, checks and git is chosen from this, name by name. */
export const ENVIRONMENT: Readonly<Record<string, string | undefined>> = process.env;

export const readExecutorConfig = (): ExecutorConfig => readConfig(executorConfigSchema, process.env);
