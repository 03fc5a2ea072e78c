// A service as a process of its own that dies, every time, of one kind of request: for the spec of what becomes of such a request.
import type { ServiceDefinition } from '@baton/handling';
import { baseConfigSchema, PLATFORM, readConfig, RUNTIME, runService, runtimeOn, type Platform } from '@baton/service-host';
import { Module } from '@nestjs/common';

class PoisonModule {}
Module({})(PoisonModule);

const definition: ServiceDefinition = {
  name: 'intake',
  inbound: {
    SubmitMission: () => {
      process.kill(process.pid, 'SIGKILL');
      return [];
    },
    CancelMission: () => [],
  },
};
const runtime = (platform: Platform) => runtimeOn(platform, definition);

await runService({
  name: 'intake',
  config: () => readConfig(baseConfigSchema, process.env),
  module: { module: PoisonModule, providers: [{ provide: RUNTIME, inject: [PLATFORM], useFactory: runtime }] },
});
