/** The runtime of a service, on what the host hands to it. */
import { createService, type ServiceDefinition, type ServiceRuntime } from '@baton/handling';
import type { Platform } from './platform.ts';

export function runtimeOn(
  { store, instruments, instance, metrics }: Platform,
  definition: ServiceDefinition,
  { slots = 1 }: { readonly slots?: number } = {},
): ServiceRuntime {
  // A counter that begins at 1 has not increased.
  for (const kind of Object.keys(definition.perform ?? {})) metrics.work_taken_over.inc({ kind }, 0);
  return createService(definition, { log: store.log, dead_letters: store.deadLetters, instruments, holder: instance, slots });
}
