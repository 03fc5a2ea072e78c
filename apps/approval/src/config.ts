/** What the environment may say; the only reader of it in this service. */
import { DEFAULT_BUNDLE } from '@baton/policy';
import process from 'node:process';
import { baseConfigSchema, readConfig } from '@baton/service-host';
import { z } from 'zod';

export const approvalConfigSchema = baseConfigSchema.extend({
  BATON_POLICY_DIR: z
    .string()
    .min(1)
    .default(DEFAULT_BUNDLE)
    .describe('give the directory of a policy bundle, or leave it out for the one that ships with Baton'),
});
export type ApprovalConfig = z.output<typeof approvalConfigSchema>;

export const readApprovalConfig = (): ApprovalConfig => readConfig(approvalConfigSchema, process.env);
