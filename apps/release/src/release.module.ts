/** Composition root: the only place that names adapters. */
import type { ServiceRuntime } from '@baton/handling';
import { openConfinement, PLATFORM, RUNTIME, runtimeOn, type Platform } from '@baton/service-host';
import { gitWorkspaces } from '@baton/workspace-git';
import { scratchWorkspaces } from '@baton/workspace-scratch';
import { Module } from '@nestjs/common';
import { ENVIRONMENT, type ReleaseConfig } from './config.ts';
import { targetLocks } from './target-locks.ts';
import { release } from './work.ts';

@Module({
  providers: [
    {
      provide: RUNTIME,
      inject: [PLATFORM],
      useFactory: async (platform: Platform<ReleaseConfig>): Promise<ServiceRuntime> => {
        const { config, store, logger } = platform;
        const shared = { artifacts: store.artifacts, environment: ENVIRONMENT, ...openConfinement(platform, ENVIRONMENT) };
        const git = gitWorkspaces({
          ...shared,
          root_dir: config.BATON_WORK_DIR,
          git_timeout_ms: config.BATON_GIT_TIMEOUT_MS,
        });
        logger.info({ workspaces: await git.sweepLeftovers() }, 'leftovers-removed');
        const locks = targetLocks(store.leases, platform.instance);
        const definition = release({ git, scratch: scratchWorkspaces(shared), locks });
        return runtimeOn(platform, definition, { slots: config.BATON_WORK_SLOTS });
      },
    },
  ],
})
export class ReleaseModule {}
