import { mkdtemp, rm } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createMetrics, emptyHistogram, observe, Registry, registerFoldedMetrics } from '@baton/telemetry';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { allAlerts } from '../deploy/alerts.ts';
import { queryExpressions } from '../deploy/dashboard.ts';
import { type RunningPrometheus, startPrometheus } from './prometheus.ts';

const START_MS_MAX = 300_000;
const SCRAPE_MS = 100;

describe('prometheus', () => {
  let directory: string;
  let service: Server;
  let prometheus: RunningPrometheus;
  // Resolves when the first scrape has been answered and the second has begun: by then the first is in the store.
  const scrapedTwice = Promise.withResolvers<void>();

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'baton-prometheus-'));
    const registry = new Registry();
    createMetrics(registry).log_head_position.set(7);
    const lead = emptyHistogram('mission_lead_time_seconds');
    observe('mission_lead_time_seconds', lead, 4);
    registerFoldedMetrics(registry, () => ({
      missions: [{ labels: { status: 'completed' }, value: 1 }],
      missions_ended: [],
      mission_lead_time_seconds: [{ labels: {}, value: lead }],
      attempts: [],
      delayed: [],
      step_seconds: [],
      review_rounds: [],
      gates: [],
      gates_open: [],
      oldest_gate_opened_seconds: [],
      mission_recovery_seconds: [],
    }));
    let scrapes = 0;
    service = createServer((_request, response) => {
      if (++scrapes === 3) scrapedTwice.resolve();
      void registry.metrics().then((text) => response.setHeader('content-type', registry.contentType).end(text));
    });
    await new Promise<void>((listening) => service.listen(0, '127.0.0.1', listening));
    const { port } = service.address() as AddressInfo;
    prometheus = await startPrometheus({
      directory,
      targets: [{ service: 'metrics', url: `http://127.0.0.1:${port}/metrics` }],
      scrape_interval_ms: SCRAPE_MS,
      log: (message) => process.stdout.write(`${message}\n`),
    });
    await scrapedTwice.promise;
  }, START_MS_MAX);

  afterAll(async () => {
    await prometheus?.stop();
    service?.closeAllConnections();
    await new Promise((closed) => service.close(closed));
    await rm(directory, { recursive: true, force: true });
  });

  it('scrapes what it is told, under the name it is told', async () => {
    expect(await prometheus.query('max by (service) (baton_log_head_position)')).toEqual([
      { metric: { service: 'metrics' }, value: 7 },
    ]);
    expect(await prometheus.query('up{job="baton"}')).toMatchObject([{ value: 1 }]);
    expect(await prometheus.query('max by (status) (baton_missions)')).toEqual([{ metric: { status: 'completed' }, value: 1 }]);
  });

  it.each(queryExpressions().map(({ panel, expr }) => [panel, expr]))('understands the dashboard: %s', async (_panel, expr) => {
    await expect(prometheus.query(expr)).resolves.toBeDefined();
  });

  it.each(allAlerts().map(({ alert, expr }) => [alert, expr]))('understands the alert %s', async (_alert, expr) => {
    await expect(prometheus.query(expr)).resolves.toBeDefined();
  });

  it('says what it does not understand', async () => {
    await expect(prometheus.query('sum by (')).rejects.toThrow('parse error');
  });
});
