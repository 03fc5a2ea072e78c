import { describe, expect, it } from '@jest/globals';
import { EVENT_STREAM } from '@baton/contracts';
import { eventually } from '@baton/testing';
import type { Delivery } from '@baton/ports';
import { of, throwError } from 'rxjs';
import { jetStreamStrategy, publishInbound } from '../src/index.ts';
import { headerBlock, headersOf, messageHeaders } from '../src/header-block.ts';
import { ACK, WITHIN, collect, relayedBus } from './relayed-bus.ts';

describe('consuming', () => {
  const bus = relayedBus();

  it('delivers every event once, as it is in the log', async () => {
    const got: Delivery[] = [];
    await bus.consumeAs('release', { consumers: ['release-react'], deliver: collect(got), in_flight_max: 64 });
    bus.log().append(Array.from({ length: 700 }, (_, index) => `m-${index % 50}`));
    await eventually(() => got.length === 700, WITHIN);
    expect(got.map((delivery) => delivery.sequence).toSorted((a, b) => a - b)).toEqual(
      bus.log().events.map((event) => event.position),
    );
    const [first] = got;
    expect(first).toMatchObject({ kind: 'event', consumer: 'release-react', deliveries: 1, body: bus.log().events[0]?.data });
    expect(first?.kind === 'event' && first.event()).toMatchObject({
      type: 'PlanCancelled',
      position: 1,
      stream: 'plan-m-0',
      data: { mission_id: 'm-0' },
    });
    await eventually(async () => (await bus.info('release-react')).ack_floor.stream_seq === 700, WITHIN);
  });

  it('reads the headers where the library keeps them unparsed, and reads the same', async () => {
    bus.log().append(['m-1']);
    await eventually(async () => (await bus.info('release-react')).num_pending === 1, WITHIN);
    const message = await bus.relay().connection.request(`$JS.API.DIRECT.GET.${EVENT_STREAM}`, '{"seq":1}');
    expect(headerBlock(message)).toContain('ce-type: baton.plan.plan-cancelled.v1');
    expect(headersOf(message)).toEqual(
      Object.fromEntries([...(message.headers ?? [])].map(([name, values]) => [name, values[0]])),
    );
  });

  it('handles the events of a mission one after the other in the order of the log, and missions side by side', async () => {
    const open = new Map<string, number>();
    const last = new Map<string, number>();
    let most = 0;
    let wrong = 0;
    let handled = 0;
    await bus.consumeAs('release', {
      consumers: ['release-react'],
      deliver: async (delivery) => {
        const mission = delivery.headers['ce-correlationid'] ?? '';
        if (open.has(mission) || (last.get(mission) ?? 0) >= delivery.sequence) wrong++;
        open.set(mission, delivery.sequence);
        last.set(mission, delivery.sequence);
        most = Math.max(most, open.size);
        await new Promise(setImmediate);
        open.delete(mission);
        handled++;
        return ACK;
      },
    });
    bus.log().append(Array.from({ length: 400 }, (_, index) => `m-${index % 8}`));
    await eventually(() => handled === 400, WITHIN);
    expect({ wrong, most }).toEqual({ wrong: 0, most: 8 });
  });

  it('acknowledges after the handler has resolved, and not before', async () => {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let started = 0;
    await bus.consumeAs('release', {
      consumers: ['release-react'],
      deliver: async () => {
        started++;
        await finished;
        return ACK;
      },
    });
    bus.log().append(['m-1']);
    await eventually(() => started === 1, WITHIN);
    const held = await bus.info('release-react');
    finish();
    expect(held).toMatchObject({ num_ack_pending: 1, ack_floor: { stream_seq: 0 } });
    await eventually(async () => (await bus.info('release-react')).num_ack_pending === 0, WITHIN);
  });

  it('has a message delivered again when its handler rejects, or asks for it', async () => {
    const got: string[] = [];
    await bus.consumeAs('release', {
      consumers: ['release-react'],
      deliver: (delivery) => {
        got.push(`${delivery.sequence}.${delivery.deliveries}`);
        if (delivery.deliveries === 1 && delivery.sequence === 1) return Promise.reject(new Error('database gone'));
        return Promise.resolve(delivery.deliveries < 3 && delivery.sequence === 2 ? { ack: false, nak_delay_ms: 10 } : ACK);
      },
    });
    bus.log().append(['m-1', 'm-2']);
    await eventually(() => got.length === 5, WITHIN);
    expect(got.toSorted()).toEqual(['1.1', '1.2', '2.1', '2.2', '2.3']);
    expect(bus.server().logger.times('bus-handler-failed')).toBe(1);
  });

  it('awaits what handlers of Nest return, observables too', async () => {
    const got: string[] = [];
    const own = await bus.server().as('release');
    const strategy = jetStreamStrategy({
      bus: own,
      logger: bus.server().logger,
      consumers: ['release-react'],
      deliver: () => Promise.reject(new Error('nobody asked')),
    });
    strategy.addHandler(
      'baton.event.plan.plan-cancelled',
      (delivery: Delivery) => {
        got.push(`${delivery.sequence}.${delivery.deliveries}`);
        return Promise.resolve(delivery.deliveries === 1 ? throwError(() => new Error('broke on the way')) : of(undefined));
      },
      true,
    );
    strategy.listen(() => undefined);
    bus.closing.push(
      () => strategy.close(),
      () => own.close(),
    );
    bus.log().append(['m-1']);
    await eventually(() => got.length === 2, WITHIN);
    await eventually(async () => (await bus.info('release-react')).num_ack_pending === 0, WITHIN);
    expect(got).toEqual(['1.1', '1.2']);
  });

  it('keeps a message that takes longer than the ack wait from being delivered again', async () => {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const got: number[] = [];
    await bus.asManager((manager) => manager.consumers.update(EVENT_STREAM, 'release-react', { ack_wait: 2_000_000_000 }));
    await bus.consumeAs('release', {
      consumers: ['release-react'],
      ack_wait_ms: 2_000,
      deliver: async (delivery) => {
        got.push(delivery.sequence);
        if (delivery.sequence === 1) await finished;
        // Three ack waits pass on the server's clock before the first is let go.
        else if (delivery.deliveries === 4) finish();
        else return { ack: false, nak_delay_ms: 2_000 };
        return ACK;
      },
    });
    bus.log().append(['m-1', 'm-2']);
    await eventually(async () => (await bus.info('release-react')).num_ack_pending === 0, WITHIN);
    expect(got.toSorted()).toEqual([1, 2, 2, 2, 2]);
  });

  it('takes requests from outside, whichever way they are written', async () => {
    const got: Delivery[] = [];
    const outside = await bus.server().as('cli');
    await bus.consumeAs('intake', { consumers: ['intake-inbound'], deliver: collect(got) });
    expect(await publishInbound(outside.connection, 'CancelMission', { mission_id: 'm-1' }, { id: 'request 1' })).toMatchObject({
      seq: 1,
      duplicate: false,
    });
    expect(await publishInbound(outside.connection, 'CancelMission', { mission_id: 'm-1' }, { id: 'request 1' })).toMatchObject({
      seq: 1,
      duplicate: true,
    });
    outside.connection.publish('baton.inbound.intake.submit-mission', '{"plain":true}');
    const headers = messageHeaders({ 'Content-Type': 'application/cloudevents+json' });
    outside.connection.publish(
      'baton.inbound.intake.submit-mission',
      '{"specversion":"1.0","id":"s-1","type":"x","source":"y","data":{"structured":true}}',
      { headers },
    );
    await eventually(() => got.length === 3, WITHIN);
    expect(got.map((delivery) => delivery.kind === 'inbound' && [delivery.name, delivery.id, delivery.body])).toEqual([
      ['CancelMission', 'request 1', '{"mission_id":"m-1"}'],
      ['SubmitMission', 'BATON_INBOUND-2', '{"plain":true}'],
      ['SubmitMission', 's-1', '{"structured":true}'],
    ]);
  });
});
