/** What the environment may say; the only reader of it in this service. */
import { join } from 'node:path';
import process from 'node:process';
import { baseConfigSchema, readConfig } from '@baton/service-host';
import { z } from 'zod';

const plannerConfigSchema = baseConfigSchema.extend({
  BATON_TEMPLATES_DIR: z
    .string()
    .min(1)
    .default(join(import.meta.dirname, '../templates'))
    .describe('give the directory with the mission templates (YAML), or leave it out for those that ship with Baton'),
});
export type PlannerConfig = z.output<typeof plannerConfigSchema>;

export const readPlannerConfig = (): PlannerConfig => readConfig(plannerConfigSchema, process.env);
