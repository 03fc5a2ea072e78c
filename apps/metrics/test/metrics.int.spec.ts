import { roleOf } from '@baton/contracts';
import { openEventStore, type EventStore } from '@baton/event-store';
import { logConfigSchema, readConfig, startService, type RunningService } from '@baton/service-host';
import { logger } from '@baton/telemetry';
import { TEST_ROLE_PASSWORD, databaseUrl, eventually, logDatabase, recorded, type TestDatabase } from '@baton/testing';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { MetricsModule } from '../src/metrics.module.ts';

jest.setTimeout(60_000);
const WITHIN = { within_ms: 20_000 };
const FAILED = 'baton_missions_total{outcome="failed",failure_class="semantic"}';

describe('the metrics service, where there is no bus', () => {
  let database: TestDatabase;
  let intake: EventStore;
  let service: RunningService;
  const fail = (mission_id: string) =>
    recorded(intake.log, 'intake', `mission-${mission_id}`, {
      type: 'MissionFailed',
      data: { mission_id, stage: 'plan', failure_class: 'semantic', reason: 'spec' },
    });
  const shown = async (path: string): Promise<string> => (await fetch(`${service.url}${path}`)).text();

  beforeAll(async () => {
    database = await logDatabase();
    const as = (name: 'intake' | 'metrics'): string =>
      databaseUrl(database.url, { user: roleOf(name), password: TEST_ROLE_PASSWORD });
    intake = openEventStore({ url: as('intake'), application_name: 'spec-intake' });
    await fail('before');
    const config = readConfig(logConfigSchema, { BATON_PG_URL: as('metrics'), BATON_HTTP_PORT: '0' });
    const silent = logger({ service: 'metrics', level: 'silent' });
    service = await startService({ name: 'metrics', config, module: MetricsModule, logger: silent });
  }, 120_000);
  afterAll(async () => {
    await service?.stop();
    await intake?.close();
    await database?.drop();
  });

  it('is ready, with what was in the log before', async () => {
    expect(JSON.parse(await shown('/readyz'))).toMatchObject({ status: 'ready' });
    expect(await shown('/metrics')).toContain(`${FAILED} 1\n`);
  });

  it('shows what is appended while it runs, once', async () => {
    await fail('one');
    await fail('two');
    await eventually(async () => (await shown('/metrics')).includes(`${FAILED} 3\n`), WITHIN);
    await fail('three');
    await eventually(async () => (await shown('/metrics')).includes(`${FAILED} 4\n`), WITHIN);
  });

  it('stops while the log grows', async () => {
    await Promise.all([fail('last'), service.stop()]);
    await expect(fetch(`${service.url}/livez`)).rejects.toThrow();
  });
});
