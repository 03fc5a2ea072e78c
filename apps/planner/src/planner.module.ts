/** Composition root: the only place that names adapters. */
import { createService, type ServiceRuntime } from '@baton/handling';
import { PLATFORM, RUNTIME, type Platform } from '@baton/service-host';
import { Module } from '@nestjs/common';
import type { PlannerConfig } from './config.ts';
import { readTemplates } from './templates.ts';
import { planner } from './work.ts';

@Module({
  providers: [
    {
      provide: RUNTIME,
      inject: [PLATFORM],
      useFactory: async ({ config, store, instruments, instance }: Platform<PlannerConfig>): Promise<ServiceRuntime> =>
        createService(planner(await readTemplates(config.BATON_TEMPLATES_DIR)), {
          log: store.log,
          dead_letters: store.deadLetters,
          instruments,
          holder: instance,
          slots: 1,
        }),
    },
  ],
})
export class PlannerModule {}
