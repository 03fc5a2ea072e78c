/** Composition root: the only place that names adapters. */
import { join } from 'node:path';
import { commandAgentRuntime } from '@baton/agent-command';
import { scriptedAgentRuntime } from '@baton/agent-scripted';
import type { ServiceRuntime } from '@baton/handling';
import { openConfinement, PLATFORM, RUNTIME, runtimeOn, type Platform } from '@baton/service-host';
import { gitWorkspaces } from '@baton/workspace-git';
import { scratchWorkspaces } from '@baton/workspace-scratch';
import { Module } from '@nestjs/common';
import { ENVIRONMENT, type ExecutorConfig } from './config.ts';
import { executor } from './work.ts';

@Module({
  providers: [
    {
      provide: RUNTIME,
      inject: [PLATFORM],
      useFactory: async (platform: Platform<ExecutorConfig>): Promise<ServiceRuntime> => {
        const { config, store, logger } = platform;
        const { sandbox, redactor } = openConfinement(platform, ENVIRONMENT);
        const redact = redactor.text;
        const shared = { artifacts: store.artifacts, environment: ENVIRONMENT, sandbox, redactor };
        const git = gitWorkspaces({
          ...shared,
          root_dir: config.BATON_WORK_DIR,
          git_timeout_ms: config.BATON_GIT_TIMEOUT_MS,
        });
        logger.info({ workspaces: await git.sweepLeftovers() }, 'leftovers-removed');
        const runtimes = [
          commandAgentRuntime({
            environment: ENVIRONMENT,
            kill_grace_ms: config.BATON_AGENT_KILL_GRACE_MS,
            output_bytes_max: config.BATON_AGENT_OUTPUT_BYTES_MAX,
            temp_dir: join(config.BATON_WORK_DIR, 'agents'),
            sandbox,
            redact,
          }),
          scriptedAgentRuntime(),
        ];
        const onStoreAway = (stream: string, err: unknown): void =>
          logger.warn({ stream, err }, 'store-away-for-what-an-agent-made');
        const definition = executor({ runtimes, git, scratch: scratchWorkspaces(shared), redact, onStoreAway });
        return runtimeOn(platform, definition, { slots: config.BATON_WORK_SLOTS });
      },
    },
  ],
})
export class ExecutorModule {}
