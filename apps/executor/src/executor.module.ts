/** Composition root: the only place that names adapters. */
import { join } from 'node:path';
import { commandAgentRuntime } from '@baton/agent-command';
import { scriptedAgentRuntime } from '@baton/agent-scripted';
import { createService, type ServiceRuntime } from '@baton/handling';
import { PLATFORM, RUNTIME, sandboxOptions, type Platform } from '@baton/service-host';
import { openSandbox, redactor } from '@baton/workbench';
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
        const { config, store, instruments, instance, logger } = platform;
        const { artifacts } = store;
        const sandbox = openSandbox({ ...sandboxOptions(config), environment: ENVIRONMENT });
        platform.note('sandbox', sandbox.mode);
        if (sandbox.weaker_because === null) logger.info({ mode: sandbox.mode }, 'sandbox');
        else logger.warn({ mode: sandbox.mode, because: sandbox.weaker_because }, 'sandbox-weaker');
        const redact = redactor({
          environment: ENVIRONMENT,
          names: config.BATON_SECRET_VARIABLES,
          values: [config.BATON_PG_URL, config.BATON_NATS_NKEY_SEED],
        });
        const git = gitWorkspaces({
          root_dir: config.BATON_WORK_DIR,
          artifacts,
          git_timeout_ms: config.BATON_GIT_TIMEOUT_MS,
          environment: ENVIRONMENT,
          sandbox,
          redactor: redact,
        });
        const scratch = scratchWorkspaces({ artifacts, environment: ENVIRONMENT, sandbox, redact: redact.text });
        logger.info({ workspaces: await git.sweepLeftovers() }, 'leftovers-removed');
        const runtimes = [
          commandAgentRuntime({
            environment: ENVIRONMENT,
            kill_grace_ms: config.BATON_AGENT_KILL_GRACE_MS,
            output_bytes_max: config.BATON_AGENT_OUTPUT_BYTES_MAX,
            temp_dir: join(config.BATON_WORK_DIR, 'agents'),
            sandbox,
            redact: redact.text,
          }),
          scriptedAgentRuntime(),
        ];
        return createService(executor({ runtimes, git, scratch, redact: redact.text }), {
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
export class ExecutorModule {}
