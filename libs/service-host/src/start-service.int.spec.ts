import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { request as httpRequest } from 'node:http';
import { connectBus, ensureTopology, publishInbound, type BusConnection } from '@baton/bus';
import { migrate, setPasswords } from '@baton/event-store';
import { logger } from '@baton/telemetry';
import { databaseUrl, eventually, TEST_ROLE_PASSWORD, testDatabase, testNats, type TestDatabase, type TestNats } from '@baton/testing';
import { Body, Controller, Get, Inject, Module, Post } from '@nestjs/common';
import { z } from 'zod';
import { baseConfigSchema, parseBody, PLATFORM, problem, readConfig, RUNTIME, startService, type HostedRuntime, type Platform, type RunningService } from './index.ts';

const WITHIN = { within_ms: 20_000 };
const missionSchema = z.strictObject({ title: z.string(), risk: z.enum(['low', 'high']) });

/** A request that is answered when the spec says so. */
let held = Promise.withResolvers<void>();
let arrived = Promise.withResolvers<void>();

@Controller('missions')
class MissionsController {
  constructor(@Inject(PLATFORM) private readonly platform: Platform) {}
  @Post() create(@Body() body: unknown) {
    return { ...parseBody(missionSchema, body), polluted: 'polluted' in {} };
  }
  @Get('taken') taken() {
    throw problem({ status: 409, type: 'key-reused', title: 'The key is taken', detail: 'Use another.', headers: { 'retry-after': '5' } });
  }
  @Get('broken') broken() {
    throw new Error(`password of ${this.platform.name} is hush`);
  }
  @Get('slow') async slow() {
    arrived.resolve();
    await held.promise;
    return { answered: true };
  }
}

describe('a service', () => {
  let database: TestDatabase;
  let nats: TestNats;
  let outside: BusConnection;
  let service: RunningService | undefined;
  const lines: { msg: string; [field: string]: unknown }[] = [];
  const log = logger({ service: 'intake', level: 'trace', destination: { write: (line) => void lines.push(JSON.parse(line) as { msg: string }) } });

  beforeAll(async () => {
    database = await testDatabase({ migrate: async (url) => void (await migrate(url)) });
    await setPasswords(database.superuser_url, { baton_intake: TEST_ROLE_PASSWORD });
    // The streams reserve more than the default lets them.
    nats = await testNats({ config_text: 'jetstream { max_memory_store: 64MB, max_file_store: 64GB }\n' });
    outside = await connectBus({ servers: nats.url, user: 'provisioner', logger: log });
    await ensureTopology(outside.connection, { replicas: 1 });
  }, 120_000);
  afterEach(async () => {
    held.resolve();
    await service?.stop();
    service = undefined;
    [held, arrived] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    lines.length = 0;
  });
  afterAll(async () => {
    await outside?.close();
    await nats?.stop();
    await database?.drop();
  });

  const config = () =>
    readConfig(baseConfigSchema, {
      BATON_PG_URL: databaseUrl(database.url, { user: 'baton_intake', password: TEST_ROLE_PASSWORD }), BATON_NATS_URL: nats.url,
      BATON_HTTP_PORT: '0', BATON_SWEEP_INTERVAL_MS: '10', BATON_DRAIN_GRACE_MS: '10000',
    });
  async function start(runtime: Partial<HostedRuntime> = {}): Promise<RunningService> {
    const whole: HostedRuntime = { receive: async () => ({ ack: true }), sweep: async () => 0, freeSlots: () => 1, onSlotFree: () => () => {}, stop: async () => {}, ...runtime };
    class IntakeModule {}
    Module({ controllers: [MissionsController], providers: [{ provide: RUNTIME, useValue: whole }] })(IntakeModule);
    return (service = await startService({ name: 'intake', config: config(), module: IntakeModule, logger: log }));
  }
  const call = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(service!.url + path, init);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, type: response.headers.get('content-type'), json: () => JSON.parse(text) as Record<string, unknown> };
  };
  const post = (body: string, type = 'application/json') => call('/missions', { method: 'POST', body, headers: { 'content-type': type } });

  it('answers probes and the scrape, and its edge answers through Nest', async () => {
    await start();
    expect((await call('/livez')).json()).toMatchObject({ status: 'alive', service: 'intake' });
    expect((await call('/startupz')).status).toBe(200);
    expect((await call('/readyz')).json()).toMatchObject({ status: 'ready', not_ready: {} });
    service!.platform.onScrape(() => service!.platform.metrics.log_head_position.set(7));
    service!.platform.onScrape(() => Promise.reject(new Error('one that fails spoils no scrape')));
    const { text, type } = await call('/metrics');
    expect(type).toContain('text/plain');
    expect(text).toContain('baton_ready 1\n');
    expect(text).toContain('baton_log_head_position 7\n');
    expect((await post('{"title":"t","risk":"low"}')).json()).toEqual({ title: 't', risk: 'low', polluted: false });
  });

  it('is not ready while something it needs is away, and ready again when that is back', async () => {
    await start();
    let missing = true;
    service!.platform.onReadiness('templates', () => {
      if (missing) throw new Error('none loaded');
    });
    expect(await call('/readyz').then(({ status, json }) => ({ status, ...json() }))).toMatchObject({ status: 'not-ready', not_ready: { templates: 'none loaded' } });
    missing = false;
    await nats.kill();
    const { not_ready } = await eventually(async () => {
      const { status, json } = await call('/readyz');
      return status === 503 ? json() : null;
    }, WITHIN);
    expect(not_ready).toEqual({ nats: `no connection to ${nats.url}` });
    expect((await call('/livez')).status).toBe(200);
    await nats.restart();
    await eventually(async () => (await call('/readyz')).status === 200, WITHIN);
  }, 60_000);

  it.each<[string, () => ReturnType<typeof call>, number, object]>([
    ['an unknown address', () => call('/nowhere'), 404, { type: 'urn:baton:problem:not-found', title: 'Not Found' }],
    ['an unknown method', () => call('/missions', { method: 'DELETE' }), 404, { type: 'urn:baton:problem:not-found' }],
    ['a body that is not JSON', () => post('{"title":'), 400, { type: 'urn:baton:problem:bad-request' }],
    ['an empty body', () => post(''), 400, {}],
    ['JSON that would change all objects', () => post('{"title":"t","risk":"low","__proto__":{"polluted":1}}'), 400, {}],
    ['JSON that would do it in a roundabout way', () => post('{"title":"t","risk":"low","constructor":{"prototype":{"polluted":1}}}'), 400, {}],
    ['a body that is too large', () => post(JSON.stringify({ title: 'x'.repeat(1_048_577) })), 413, { type: 'urn:baton:problem:body-too-large' }],
    ['another kind of body', () => post('<x/>', 'application/xml'), 415, { type: 'urn:baton:problem:unsupported-media-type' }],
    ['a problem of the controller', () => call('/missions/taken'), 409, { type: 'urn:baton:problem:key-reused', title: 'The key is taken', detail: 'Use another.' }],
    ['an error nobody foresaw', () => call('/missions/broken'), 500, { type: 'urn:baton:problem:internal' }],
  ])('answers %s with a problem', async (_name, send, status, body) => {
    await start();
    const response = await send();
    expect(response.type).toBe('application/problem+json; charset=utf-8');
    expect(response.json()).toMatchObject({ status, ...body });
    expect(response.status).toBe(status);
    expect(response.text).not.toContain('hush');
    expect(lines.some(({ msg }) => msg === 'http-request-failed')).toBe(status >= 500);
  });

  it('names every fault of a body', async () => {
    await start();
    expect((await post('{"risk":"huge","extra":1}')).json()).toMatchObject({
      status: 400, type: 'urn:baton:problem:invalid-body',
      faults: [{ field: 'title', fix: 'give a value of type string' }, { field: 'risk', fix: 'use one of low, high' }, { field: '(body)', fix: 'leave out extra' }],
    });
  });

  it('hands deliveries to the runtime and settles them by its answer', async () => {
    const received: number[] = [];
    const twice = Promise.withResolvers<void>();
    await start({
      receive: async ({ deliveries }) => {
        received.push(deliveries);
        if (deliveries === 1) return { ack: false, nak_delay_ms: 1 };
        twice.resolve();
        return { ack: true };
      },
    });
    await publishInbound(outside.connection, 'SubmitMission', { any: 'thing' }, { id: 'r1' });
    await twice.promise;
    expect(received).toEqual([1, 2]);
  });

  it('sweeps again and again, at once while something is due, whatever fails', async () => {
    const answers = [2, 1, new Error('no database'), 0, 0];
    const swept = Promise.withResolvers<void>();
    let rounds = 0;
    await start({
      sweep: async () => {
        const answer = answers[rounds++] ?? 0;
        if (rounds === 6) swept.resolve();
        if (answer instanceof Error) throw answer;
        return answer;
      },
    });
    await swept.promise;
    expect(lines.filter(({ msg }) => msg === 'sweep-failed')).toHaveLength(1);
    expect((await call('/metrics')).text).toContain('baton_sweep_failures_total 1\n');
  });

  it('stops in order: not ready, no new work, what is under way ends, then the connections', async () => {
    const order: string[] = [];
    const inHand = Promise.withResolvers<void>();
    const settled = Promise.withResolvers<void>();
    const running = await start({
      receive: async () => {
        inHand.resolve();
        await settled.promise;
        // The connections still stand while something is in hand.
        await running.platform.store.ping();
        order.push('settled');
        return { ack: true };
      },
      stop: async () => {
        order.push('runtime stopped');
        settled.resolve();
      },
    });
    await publishInbound(outside.connection, 'CancelMission', {}, { id: 'r2' });
    await inHand.promise;
    const slow = call('/missions/slow');
    await arrived.promise;

    const stopping = running.stop();
    expect((await call('/readyz')).json()).toMatchObject({ status: 'not-ready', not_ready: { service: 'stopping' } });
    const refused = await call('/missions', { method: 'POST' });
    expect({ status: refused.status, again: refused.headers.get('retry-after') }).toEqual({ status: 503, again: '1' });
    expect(order).toEqual([]);
    held.resolve();
    expect((await slow).json()).toEqual({ answered: true });
    await stopping;
    await running.stop();
    expect(order).toEqual(['runtime stopped', 'settled']);
    expect(running.platform.bus.connection.isClosed()).toBe(true);
    await expect(running.platform.store.ping()).rejects.toThrow();
    await expect(fetch(`${running.url}/livez`)).rejects.toThrow();
    expect(lines.filter(({ msg }) => msg === 'stop-failed')).toEqual([]);
  });

  it('closes what it opened when its module cannot be made', async () => {
    class Broken {}
    Module({ providers: [{ provide: RUNTIME, useFactory: () => { throw new Error('no agent configured'); } }] })(Broken);
    await expect(startService({ name: 'intake', config: config(), module: Broken, logger: log })).rejects.toThrow('no agent configured');
    expect(lines.filter(({ msg }) => msg === 'stopped').map(({ what }) => what)).toEqual(['nats', 'postgres', 'http', 'telemetry']);
  });

  it('says so when consumers have nobody to hand to, or the port is taken', async () => {
    class Empty {}
    Module({})(Empty);
    await expect(startService({ name: 'intake', config: config(), module: Empty, logger: log })).rejects.toThrow(/intake has consumers \(intake-react, intake-inbound\), but its module provides no RUNTIME/);
    await start();
    const BATON_HTTP_PORT = Number(new URL(service!.url).port);
    await expect(startService({ name: 'intake', config: { ...config(), BATON_HTTP_PORT }, module: Empty, logger: log })).rejects.toThrow(/another process has it; give another BATON_HTTP_PORT/);
  });

  it('takes no harm from a request line that is not one', async () => {
    await start();
    const { hostname, port } = new URL(service!.url);
    const status = await new Promise((resolve) => httpRequest({ hostname, port, path: '//%00%ff/..;/' }, (response) => resolve(response.resume().statusCode)).end());
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect((await call('/livez')).status).toBe(200);
  });
});
