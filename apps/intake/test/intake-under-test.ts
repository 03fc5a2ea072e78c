/** Intake as it is started, on servers of its own: for as long as the suite that asks for it. */
import { afterAll, beforeAll } from '@jest/globals';
import { baseConfigSchema, readConfig, startService, type RunningService } from '@baton/service-host';
import { logger } from '@baton/telemetry';
import { testServers, type TestServers } from '@baton/testing';
import { IntakeModule } from '../src/intake.module.ts';

export interface IntakeUnderTest {
  servers(): TestServers;
  service(): RunningService;
  /** What it has logged at level `info`. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
}

export function intakeUnderTest({ secured = false } = {}): IntakeUnderTest {
  const lines: Record<string, unknown>[] = [];
  const log = logger({
    service: 'intake',
    level: 'info',
    destination: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  });
  let servers: TestServers;
  let service: RunningService;
  beforeAll(async () => {
    servers = await testServers({ secured });
    const config = readConfig(baseConfigSchema, servers.environment('intake'));
    service = await startService({ name: 'intake', config, module: IntakeModule, logger: log });
  }, 120_000);
  afterAll(async () => {
    await service?.stop();
    await servers?.close();
  });
  return { servers: () => servers, service: () => service, lines };
}
