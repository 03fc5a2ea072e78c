/** Composition root: the only place that names adapters. */
import { createService } from '@baton/handling';
import { cedarPolicy } from '@baton/policy';
import { PLATFORM, RUNTIME, type Platform } from '@baton/service-host';
import { Module } from '@nestjs/common';
import type { ApprovalConfig } from './config.ts';
import { GatesController } from './http.ts';
import { approval } from './work.ts';

@Module({
  controllers: [GatesController],
  providers: [
    {
      provide: RUNTIME,
      inject: [PLATFORM],
      useFactory: ({ config, store, instruments, instance, logger }: Platform<ApprovalConfig>) =>
        createService(
          approval(cedarPolicy(config.BATON_POLICY_DIR, { onFailure: (err) => logger.error({ err }, 'policy-failed') })),
          { log: store.log, dead_letters: store.deadLetters, instruments, holder: instance, slots: 1 },
        ),
    },
  ],
})
export class ApprovalModule {}
