/** Composition root: the only place that names adapters. */
import { createService, type ServiceRuntime } from '@baton/handling';
import { PLATFORM, RUNTIME, type Platform } from '@baton/service-host';
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
      useFactory: async ({ config, store, instruments, instance, logger }: Platform<ReviewerConfig>): Promise<ServiceRuntime> => {
        const { artifacts } = store;
        const git = gitWorkspaces({
          root_dir: config.BATON_WORK_DIR,
          artifacts,
          git_timeout_ms: config.BATON_GIT_TIMEOUT_MS,
          environment: ENVIRONMENT,
        });
        const scratch = scratchWorkspaces({ artifacts, environment: ENVIRONMENT });
        logger.info({ workspaces: await git.sweepLeftovers() }, 'leftovers-removed');
        return createService(reviewer({ git, scratch }), {
          log: store.log,
          dead_letters: store.deadLetters,
          instruments,
          holder: instance,
          slots: config.BATON_WORK_SLOTS,
        });
      },
    },
  ],
})
export class ReviewerModule {}
