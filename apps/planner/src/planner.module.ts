/** Composition root: the only place that names adapters. */
import type { ServiceRuntime } from '@baton/handling';
import { PLATFORM, RUNTIME, runtimeOn, type Platform } from '@baton/service-host';
import { Module } from '@nestjs/common';
import type { PlannerConfig } from './config.ts';
import { readTemplates } from './templates.ts';
import { planner } from './work.ts';

@Module({
  providers: [
    {
      provide: RUNTIME,
      inject: [PLATFORM],
      useFactory: async (platform: Platform<PlannerConfig>): Promise<ServiceRuntime> =>
        runtimeOn(platform, planner(await readTemplates(platform.config.BATON_TEMPLATES_DIR))),
    },
  ],
})
export class PlannerModule {}
