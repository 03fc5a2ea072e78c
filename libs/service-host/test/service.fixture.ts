// A service as a process of its own, for the specs of signals and exit codes: it handles nothing and says when its work was stopped.
import { baseConfigSchema, readConfig, RUNTIME, runService, type HostedRuntime } from '@baton/service-host';
import { Module } from '@nestjs/common';

class FixtureModule {}
Module({})(FixtureModule);

const runtime: HostedRuntime = {
  receive: async () => ({ ack: true }),
  sweep: async () => 0,
  freeSlots: () => 1,
  onSlotFree: () => () => {},
  // `never` is a work that does not end: the second signal has to.
  stop: () => (process.argv[2] === 'never' ? new Promise(() => {}) : Promise.resolve()),
};
await runService({
  name: 'planner',
  config: () => readConfig(baseConfigSchema, process.env),
  module: { module: FixtureModule, providers: [{ provide: RUNTIME, useValue: runtime }] },
});
if (process.argv[2] === 'reject') void Promise.reject(new Error('nobody waits for this'));
