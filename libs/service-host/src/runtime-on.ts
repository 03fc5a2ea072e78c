/** The runtime of a service, on what the host hands to it. */
import { createService, type ServiceDefinition, type ServiceRuntime } from '@baton/handling';
import type { Platform } from './platform.ts';

export const runtimeOn = (
  { store, instruments, instance }: Platform,
  definition: ServiceDefinition,
  { slots = 1 }: { readonly slots?: number } = {},
): ServiceRuntime =>
  createService(definition, { log: store.log, dead_letters: store.deadLetters, instruments, holder: instance, slots });
