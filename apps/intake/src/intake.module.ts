/** Composition root: the only place that names adapters. */
import { createService } from '@baton/handling';
import { PLATFORM, RUNTIME, type Platform } from '@baton/service-host';
import { Module } from '@nestjs/common';
import { MissionsController } from './http.ts';
import { intake } from './work.ts';

@Module({
  controllers: [MissionsController],
  providers: [
    {
      provide: RUNTIME,
      inject: [PLATFORM],
      useFactory: ({ store, instruments, instance }: Platform) =>
        createService(intake, { log: store.log, dead_letters: store.deadLetters, instruments, holder: instance, slots: 1 }),
    },
  ],
})
export class IntakeModule {}
