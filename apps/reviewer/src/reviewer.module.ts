/** Composition root: the only place that names adapters. */
import type { ServiceRuntime } from '@baton/handling';
import { PLATFORM, RUNTIME, runtimeOn, type Platform } from '@baton/service-host';
import { gitWorkspaces } from '@baton/workspace-git';
import { scratchWorkspaces } from '@baton/workspace-scratch';
import { Module } from '@nestjs/common';
import { ENVIRONMENT, type ReviewerConfig } from './config.ts';
import { reviewer } from './work.ts';

@Module({
  providers: [
    {
      provide: RUNTIME,
      inject: [PLATFORM],
      useFactory: async (platform: Platform<ReviewerConfig>): Promise<ServiceRuntime> => {
        const { config, store, logger } = platform;
        const shared = { artifacts: store.artifacts, environment: ENVIRONMENT };
        const git = gitWorkspaces({
          ...shared,
          root_dir: config.BATON_WORK_DIR,
          git_timeout_ms: config.BATON_GIT_TIMEOUT_MS,
        });
        logger.info({ workspaces: await git.sweepLeftovers() }, 'leftovers-removed');
        const definition = reviewer({ git, scratch: scratchWorkspaces(shared) });
        return runtimeOn(platform, definition, { slots: config.BATON_WORK_SLOTS });
      },
    },
  ],
})
export class ReviewerModule {}
