import { describe, expect, it } from '@jest/globals';
import { EVENT_STREAM, INBOUND, INBOUND_STREAM, STREAMS, UnreadableEvent, type StoredEvent } from '@baton/contracts';
import { eventually } from '@baton/testing';
import type { Delivery } from '@baton/ports';
import { jetstreamManager } from '@nats-io/jetstream';
import { headers as natsHeaders, type MsgHdrsImpl } from '@nats-io/nats-core';
import fc from 'fast-check';
import { decodeEvent, encodeEvent, publishInbound, type Headers } from '../src/index.ts';
import { messageHeaders, parseHeaderBlock } from '../src/header-block.ts';
import { WITHIN, collect, relayedBus } from './relayed-bus.ts';
import { planCancelled } from './secured-nats.ts';

const SUBJECT = /^baton\.event\.[a-z]+\.[a-z0-9-]+$/;
const PRINTABLE = /^[\x20-\x7e]*$/;
const INJECTION = 'x\r\nNats-Rollup: all\r\nNats-Expected-Last-Sequence: 7\r\nce-id: other\r\n\r\n';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 50 }),
  fc.constantFrom(INJECTION, '\0', '\ud800', '>', '*', 'a b', '..', '', '%', '%zz', '"', '💥'.repeat(50), 'x'.repeat(5_000)),
);

/** What a service that was taken over could append: it decides on names and content, Postgres on the rest. */
const appended = fc
  .record({ type: text, id_of: text, correlation_id: text, actor: text, traceparent: text, data: fc.json() })
  .map(({ type, id_of, correlation_id, actor, traceparent, data }): Omit<StoredEvent, 'position' | 'version'> => ({
    id: '00000000-0000-5000-8000-000000000000',
    stream: `plan-${id_of.slice(0, 400)}`,
    type,
    recorded_at: '2026-11-21T00:01:31.123456Z',
    meta: JSON.stringify({
      schema_version: 1,
      correlation_id,
      causation_id: 'c',
      actor: { kind: 'service', id: actor },
      traceparent,
    }),
    data,
    hash: '0'.repeat(64),
  }));

describe('what an event may be called', () => {
  it('never becomes more than one header or another subject, and never grows beyond what a message may have', () => {
    fc.assert(
      fc.property(appended, (event) => {
        const { subject, headers, payload } = encodeEvent({ ...event, position: 7, version: 1 });
        expect(subject).toMatch(SUBJECT);
        for (const value of Object.values(headers)) expect(value).toMatch(PRINTABLE);
        const encoded = (messageHeaders(headers) as MsgHdrsImpl).encode();
        expect(parseHeaderBlock(Buffer.from(encoded).toString('latin1'))).toEqual(headers);
        expect(encoded.length + Buffer.byteLength(payload)).toBeLessThan(STREAMS[EVENT_STREAM].max_msg_bytes);
      }),
      { numRuns: 1_000 },
    );
  });
});

function outcomeOf(headers: Headers, data: string): 'read' | 'unreadable' | 'broken' {
  try {
    decodeEvent(headers, data);
    return 'read';
  } catch (error) {
    return error instanceof UnreadableEvent ? 'unreadable' : 'broken';
  }
}

describe('headers of an event', () => {
  it('are those of an event, or it is unreadable: never anything else', () => {
    const { headers, payload } = encodeEvent(planCancelled(1, 'm-1'));
    const value = fc.oneof(
      text,
      fc.constantFrom('%0d%0a', '-1', '1e3', '99999999999999999999', 'baton.plan.plan-cancelled.v2', '__proto__'),
    );
    const mutated = fc
      .array(fc.tuple(fc.constantFrom(...Object.keys(headers), 'ce-sealed', '__proto__', 'ce-x'), fc.option(value)), {
        maxLength: 3,
      })
      .map((changes) => {
        const all = new Map<string, string>(Object.entries(headers));
        for (const [name, changed] of changes) {
          if (changed === null) all.delete(name);
          else all.set(name, changed);
        }
        return Object.fromEntries(all);
      });
    const body = fc.oneof(fc.constant(payload), fc.json(), text);
    fc.assert(
      fc.property(mutated, body, (given, data) => {
        const outcome = outcomeOf(given, data);
        expect(outcome).not.toBe('broken');
        // What was not touched is read.
        expect(
          outcome === 'unreadable' &&
            Object.keys(headers).every((name) => given[name] === headers[name]) &&
            data === payload &&
            given['ce-sealed'] === undefined,
        ).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('hostile input on the bus', () => {
  const bus = relayedBus();

  it('does not hold up the log: what comes behind an event of any name is published', async () => {
    const events = fc.sample(appended, { numRuns: 200, seed: 23 });
    for (const [index, event] of events.entries())
      bus.log().events.push({ ...event, id: planCancelled(index + 1, 'x').id, position: index + 1, version: index + 1 });
    bus.log().append(['m-1']);
    await eventually(
      () => bus.asManager(async (manager) => (await manager.streams.info(EVENT_STREAM)).state.last_seq === events.length + 1),
      WITHIN,
    );
    const { direct } = await jetstreamManager(bus.relay().connection, { checkAPI: false });
    for (const sequence of [1, 100, 201]) {
      const message = await direct.getMessage(EVENT_STREAM, { seq: sequence });
      expect([message?.header.get('ce-sequence'), message?.header.get('Nats-Rollup')]).toEqual([
        String(sequence).padStart(20, '0'),
        '',
      ]);
    }
  });

  it('reaches its owner whatever it is, and the next one does as well', async () => {
    const got: Delivery[] = [];
    await bus.consumeAs('intake', { consumers: ['intake-inbound'], deliver: collect(got) });
    const outside = await bus.server().as('cli');
    const { subject } = INBOUND.SubmitMission;
    const bodies = [
      ...fc.sample(fc.uint8Array({ maxLength: 500 }), { numRuns: 200, seed: 23 }),
      ...[
        '',
        '{',
        '['.repeat(20_000),
        `{"id":"x","data":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
        '{"__proto__":{"id":"y","data":1}}',
      ].map((body) => Buffer.from(body)),
    ];
    for (const [index, body] of bodies.entries()) {
      const headers = natsHeaders();
      if (index % 2 === 0) headers.set('Content-Type', 'application/cloudevents+json');
      headers.set('ce-id', ['%', '%ff%fe', 'x'.repeat(10_000), '%0d%0aNats-Rollup: all', ''][index % 5] ?? '');
      headers.set('ce-subject', ['%zz', '..', ' ', '>', 'm'][index % 5] ?? '');
      for (let more = 0; more < (index % 50 === 0 ? 1_000 : 1); more++) headers.append(`x-${String(more)}`, 'y');
      outside.connection.publish(subject, body, { headers });
    }
    await publishInbound(outside.connection, 'SubmitMission', { sound: true }, { id: INJECTION });
    await eventually(() => got.length === bodies.length + 1, WITHIN);
    const last = got.find(({ body }) => body === '{"sound":true}');
    expect(last?.kind === 'inbound' && last.id).toBe(INJECTION);
    expect(Object.keys(last?.headers ?? {}).filter((name) => /rollup|last-sequence/i.test(name))).toEqual([]);
    await bus.asManager(async (manager) => {
      await eventually(
        async () => (await manager.consumers.info(INBOUND_STREAM, 'intake-inbound')).num_ack_pending === 0,
        WITHIN,
      );
    });
  });

  it('is refused by the bus itself where it is larger than a message may be', async () => {
    const outside = await bus.server().as('cli');
    const large = publishInbound(outside.connection, 'SubmitMission', 'x'.repeat(STREAMS[INBOUND_STREAM].max_msg_bytes), {
      id: 'large',
    });
    await expect(large).rejects.toThrow(/maximum/);
    expect(await publishInbound(outside.connection, 'SubmitMission', {}, { id: 'small' })).toMatchObject({
      stream: INBOUND_STREAM,
    });
  });
});
