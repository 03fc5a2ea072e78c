/** Composition root: the only place that names adapters. */
import { PLATFORM, RUNTIME, runtimeOn, type Platform } from '@baton/service-host';
import { Module } from '@nestjs/common';
import { MissionsController } from './http.ts';
import { intake } from './work.ts';

@Module({
  controllers: [MissionsController],
  providers: [
    {
      provide: RUNTIME,
      inject: [PLATFORM],
      useFactory: (platform: Platform) => runtimeOn(platform, intake),
    },
  ],
})
export class IntakeModule {}
