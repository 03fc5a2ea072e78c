/** Composition root: the only place that names adapters. */
import { cedarPolicy } from '@baton/policy';
import { PLATFORM, RUNTIME, runtimeOn, type Platform } from '@baton/service-host';
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
      useFactory: (platform: Platform<ApprovalConfig>) => {
        const onFailure = (err: unknown): void => platform.logger.error({ err }, 'policy-failed');
        return runtimeOn(platform, approval(cedarPolicy(platform.config.BATON_POLICY_DIR, { onFailure })));
      },
    },
  ],
})
export class ApprovalModule {}
