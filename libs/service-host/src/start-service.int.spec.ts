import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { publishInbound } from '@baton/bus';
import type { DueDeadline } from '@baton/ports';
import { appendOf, eventually, storedBy } from '@baton/testing';
import { Module } from '@nestjs/common';
import { hostedService, type HostedService } from '../test/hosted-service.ts';
import { RUNTIME, runtimeOn, startService } from './index.ts';
import { placeOfProcesses } from './predecessors.ts';

const WITHIN = { within_ms: 20_000 };

describe('a service', () => {
  let host: HostedService;
  beforeAll(async () => {
    host = await hostedService();
  }, 120_000);
  afterEach(() => host.reset());
  afterAll(() => host?.close());

  it('answers probes and the scrape, and its edge answers through Nest', async () => {
    await host.start();
    expect((await host.call('/livez')).json()).toMatchObject({ status: 'alive', service: 'intake' });
    expect((await host.call('/startupz')).status).toBe(200);
    expect((await host.call('/readyz')).json()).toMatchObject({ status: 'ready', not_ready: {} });
    host.running().platform.onScrape(() => host.running().platform.metrics.log_head_position.set(7));
    host.running().platform.onScrape(() => Promise.reject(new Error('one that fails spoils no scrape')));
    const { text, type } = await host.call('/metrics');
    expect(type).toContain('text/plain');
    expect(text).toContain('baton_ready 1\n');
    expect(text).toContain('baton_log_head_position 7\n');
    expect((await host.post('{"title":"t","risk":"low"}')).json()).toEqual({ title: 't', risk: 'low', polluted: false });
  });

  it('is not ready while something it needs is away, and ready again when that is back', async () => {
    await host.start({}, 'planner');
    let missing = true;
    host.running().platform.onReadiness('templates', () => {
      if (missing) throw new Error('none loaded');
    });
    expect(await host.call('/readyz').then(({ status, json }) => ({ status, ...json() }))).toMatchObject({
      status: 'not-ready',
      not_ready: { templates: 'none loaded' },
    });
    missing = false;
    await host.nats.kill();
    const { not_ready } = await eventually(async () => {
      const { status, json } = await host.call('/readyz');
      return status === 503 ? json() : null;
    }, WITHIN);
    expect(not_ready).toEqual({ nats: `no connection to ${host.nats.url}` });
    expect((await host.call('/livez')).status).toBe(200);
    await host.nats.restart();
    await eventually(async () => (await host.call('/readyz')).status === 200, WITHIN);
  }, 60_000);

  it('with an edge goes on answering without the bus, and says that it is away', async () => {
    await host.start();
    await host.nats.kill();
    const without = await eventually(async () => {
      const answer = await host.call('/readyz');
      return answer.json()['away'] ? answer : null;
    }, WITHIN);
    expect(without.status).toBe(200);
    expect(without.json()).toMatchObject({ status: 'ready', not_ready: {}, away: { nats: `no connection to ${host.nats.url}` } });
    expect((await host.post('{"title":"t","risk":"low"}')).status).toBe(201);
    expect((await host.call('/metrics')).text).toContain('baton_ready 0\n');
    await host.nats.restart();
    await eventually(async () => (await host.call('/metrics')).text.includes('baton_ready 1\n'), WITHIN);
    expect((await host.call('/readyz')).json()).not.toHaveProperty('away');
  }, 60_000);

  it('hands deliveries to the runtime and settles them by its answer', async () => {
    const received: number[] = [];
    const twice = Promise.withResolvers<void>();
    await host.start({
      receive: async ({ deliveries }) => {
        received.push(deliveries);
        if (deliveries === 1) return { ack: false, nak_delay_ms: 1 };
        twice.resolve();
        return { ack: true };
      },
    });
    // The server was restarted right before: whoever asks waits until it is heard again.
    await eventually(() => host.outside.connected(), WITHIN);
    await publishInbound(host.outside.connection, 'SubmitMission', { any: 'thing' }, { id: 'r1' });
    await twice.promise;
    expect(received).toEqual([1, 2]);
  }, 30_000);

  it('sweeps again and again, at once while something is due, whatever fails', async () => {
    const answers = [2, 1, new Error('no database'), 0, 0];
    const swept = Promise.withResolvers<void>();
    let rounds = 0;
    await host.start({
      sweep: async () => {
        const answer = answers[rounds++] ?? 0;
        if (rounds === 6) swept.resolve();
        if (answer instanceof Error) throw answer;
        return answer;
      },
    });
    await swept.promise;
    expect(host.lines.filter(({ msg }) => msg === 'sweep-failed')).toHaveLength(1);
    expect((await host.call('/metrics')).text).toContain('baton_sweep_failures_total 1\n');
  });

  it('counts a deadline that fails like a round that fails', async () => {
    const { platform } = await host.start();
    platform.instruments.deadlineFailed('mission-1', 'mission', new Error('unreadable'));
    expect(host.lines).toContainEqual(expect.objectContaining({ msg: 'deadline-failed', stream: 'mission-1', key: 'mission' }));
    expect((await host.call('/metrics')).text).toContain('baton_sweep_failures_total 1\n');
  });

  it('counts work that was taken over, of each kind it does from the start', async () => {
    const { platform } = await host.start();
    const performed = async (): Promise<void> => {};
    runtimeOn(platform, { name: 'release', perform: { land: performed, integrate: performed } });
    platform.instruments.workTakenOver('land');
    const { text } = await host.call('/metrics');
    expect(text).toContain('baton_work_taken_over_total{kind="land"} 1\n');
    expect(text).toContain('baton_work_taken_over_total{kind="integrate"} 0\n');
  });

  it('tells from the start how much it appended, and whether there is room for more work', async () => {
    let free = 0;
    await host.start({ freeSlots: () => free });
    const { text } = await host.call('/metrics');
    expect(text).toContain('baton_appended_events_total{category="mission"} 0\n');
    expect(text).toContain('baton_slots_full 1\n');
    free = 1;
    expect((await host.call('/metrics')).text).toContain('baton_slots_full 0\n');
  });

  it('has what a process of this machine held that died, before it looks for what is due', async () => {
    const { store } = (await host.start()).platform;
    const child = spawn(process.execPath, ['--eval', '']);
    await once(child, 'exit');
    const place = placeOfProcesses() ?? '';
    const holders = [`x-${place}-${String(child.pid)}-00000000`, `x-${place}-${String(process.pid)}-00000000`, 'elsewhere'];
    for (const [nth, holder] of holders.entries())
      storedBy(
        await store.log.append(
          appendOf(1, { stream: `mission-${String(nth)}`, deadline: { key: 'k', after_ms: 3_600_000, holder } }),
        ),
      );
    await host.reset();
    const due = Promise.withResolvers<readonly DueDeadline[]>();
    const running = host.start({
      sweep: async () => {
        const { log } = (await running).platform.store;
        due.resolve(await log.claimDue({ categories: ['mission'], holder: 'next', hold_ms: 3_600_000, limit: 10 }));
        return 0;
      },
    });
    // Where the system does not say which process is meant, leases run out by themselves.
    const expected = process.platform === 'linux' ? [{ stream: 'mission-0', last_holder: holders[0] }] : [];
    expect(await due.promise).toMatchObject(expected);
  });

  it('stops in order: not ready, no new work, what is under way ends, then the connections', async () => {
    const order: string[] = [];
    const inHand = Promise.withResolvers<void>();
    const settled = Promise.withResolvers<void>();
    const running = await host.start({
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
    await publishInbound(host.outside.connection, 'CancelMission', {}, { id: 'r2' });
    await inHand.promise;
    const slow = host.call('/missions/slow');
    await host.slow().arrived.promise;

    const stopping = running.stop();
    expect((await host.call('/readyz')).json()).toMatchObject({ status: 'not-ready', not_ready: { service: 'stopping' } });
    const refused = await host.call('/missions', { method: 'POST' });
    expect({ status: refused.status, again: refused.headers.get('retry-after') }).toEqual({ status: 503, again: '1' });
    expect(order).toEqual([]);
    host.slow().held.resolve();
    expect((await slow).json()).toEqual({ answered: true });
    await stopping;
    await running.stop();
    expect(order).toEqual(['runtime stopped', 'settled']);
    expect(running.platform.bus?.connection.isClosed()).toBe(true);
    await expect(running.platform.store.ping()).rejects.toThrow();
    await expect(fetch(`${running.url}/livez`)).rejects.toThrow();
    expect(host.lines.filter(({ msg }) => msg === 'stop-failed')).toEqual([]);
  });

  it('closes what it opened when its module cannot be made', async () => {
    class Broken {}
    Module({
      providers: [
        {
          provide: RUNTIME,
          useFactory: () => {
            throw new Error('no agent configured');
          },
        },
      ],
    })(Broken);
    await expect(startService({ name: 'intake', config: host.config(), module: Broken, logger: host.logger })).rejects.toThrow(
      'no agent configured',
    );
    expect(host.lines.filter(({ msg }) => msg === 'stopped').map(({ what }) => what)).toEqual([
      'nats',
      'postgres',
      'http',
      'telemetry',
    ]);
  });

  it('says so when consumers have nobody to hand to, or the port is taken', async () => {
    class Empty {}
    Module({})(Empty);
    await expect(startService({ name: 'intake', config: host.config(), module: Empty, logger: host.logger })).rejects.toThrow(
      /intake has consumers \(intake-react, intake-inbound\), but its module provides no RUNTIME/,
    );
    await host.start();
    const BATON_HTTP_PORT = Number(new URL(host.running().url).port);
    await expect(
      startService({ name: 'intake', config: { ...host.config(), BATON_HTTP_PORT }, module: Empty, logger: host.logger }),
    ).rejects.toThrow(/another process has it; give another BATON_HTTP_PORT/);
  });
});
