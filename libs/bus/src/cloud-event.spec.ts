import { describe, expect, it } from '@jest/globals';
import {
  EVENT_TYPES,
  UnreadableEvent,
  describeEvent,
  parseStored,
  subjectOf,
  type EventMeta,
  type StoredEvent,
} from '@baton/contracts';
import fc from 'fast-check';
import { decodeEvent, encodeEvent } from './cloud-event.ts';
import { MsgHdrsImpl } from '@nats-io/nats-core';
import { messageHeaders, parseHeaderBlock } from './header-block.ts';

const meta: EventMeta = {
  schema_version: 1,
  correlation_id: 'm-1',
  causation_id: 'c-1',
  actor: { kind: 'service', id: 'planner' },
};
const stored = (part: Partial<StoredEvent> = {}): StoredEvent => ({
  id: '0190f5a2-1111-5222-8333-444455556666',
  type: 'PlanCancelled',
  meta: JSON.stringify(meta),
  data: '{"mission_id":"m-1","reason":"asked"}',
  position: 42,
  stream: 'plan-m-1',
  version: 3,
  recorded_at: '2026-11-21T00:01:31.123456Z',
  hash: 'ab'.repeat(32),
  ...part,
});

/** What a reader gets: the header lines as the wire carries them, parsed again. */
const overTheWire = (event: StoredEvent) => {
  const { headers, payload } = encodeEvent(event);
  const sent = messageHeaders(headers);
  if (!(sent instanceof MsgHdrsImpl)) throw new Error('the library writes its headers another way now');
  return { headers: parseHeaderBlock(Buffer.from(sent.encode()).toString('latin1')), body: payload };
};

const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }).map((value) => value.toWellFormed());
const anyMeta: fc.Arbitrary<EventMeta> = fc.record(
  {
    schema_version: fc.constant(1),
    correlation_id: text,
    causation_id: text,
    actor: fc.record({ kind: fc.constantFrom('service', 'person', 'system'), id: text }),
    traceparent: fc.string({ maxLength: 64 }),
    tracestate: fc.string({ maxLength: 100 }),
    sealed: fc.record({
      algorithm: fc.constant('aes-256-gcm' as const),
      key_id: text,
      pointers: fc.array(
        text.map((pointer) => `/${pointer}`),
        { minLength: 1, maxLength: 3 },
      ),
    }),
  },
  { requiredKeys: ['schema_version', 'correlation_id', 'causation_id', 'actor'] },
);

describe('an event on the bus', () => {
  it('comes out of its message as it went in, whatever is in it', () => {
    fc.assert(
      fc.property(
        anyMeta,
        text,
        text,
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        (some, reason, mission_id, position) => {
          const event = stored({
            meta: JSON.stringify(some),
            stream: `plan-${mission_id}`,
            position,
            data: JSON.stringify({ mission_id: mission_id.slice(0, 100), reason }),
          });
          const { headers, body } = overTheWire(event);
          expect(decodeEvent(headers, body)).toEqual(parseStored(event));
          expect(body).toBe(event.data);
        },
      ),
    );
  });

  it('has headers of printable ASCII only, so that no value can break a line or add one', () => {
    fc.assert(
      fc.property(anyMeta, (some) => {
        for (const value of Object.values(encodeEvent(stored({ meta: JSON.stringify(some) })).headers))
          expect(value).toMatch(/^[\x21-\x7e]*$/);
      }),
    );
    const { headers } = overTheWire(stored({ meta: JSON.stringify({ ...meta, causation_id: 'c\r\nNats-Rollup: all' }) }));
    expect(headers).not.toHaveProperty('Nats-Rollup');
  });

  it('is named as the conventions say', () => {
    const { subject, headers, payload } = encodeEvent(stored());
    expect(subject).toBe('baton.event.plan.plan-cancelled');
    expect(payload).toBe(stored().data);
    expect(headers).toEqual({
      'Nats-Msg-Id': stored().id,
      'ce-specversion': '1.0',
      'ce-id': stored().id,
      'ce-source': '/baton/planner',
      'ce-type': 'baton.plan.plan-cancelled.v1',
      'ce-subject': 'plan-m-1',
      'ce-time': '2026-11-21T00:01:31.123456Z',
      'ce-sequence': '00000000000000000042',
      'ce-streamversion': '3',
      'ce-datacontenttype': 'application/json',
      'ce-dataschema': 'urn:baton:schema:plan.plan-cancelled:v1',
      'ce-correlationid': 'm-1',
      'ce-partitionkey': 'm-1',
      'ce-causationid': 'c-1',
      'ce-authtype': 'service_account',
      'ce-authid': 'planner',
    });
  });

  it('has the subject that consumers are filtered to, for every type', () => {
    for (const type of EVENT_TYPES) expect(encodeEvent(stored({ type })).subject).toBe(subjectOf(type));
  });

  it('keeps a lone surrogate from breaking the header it is in', () => {
    expect(encodeEvent(stored({ meta: JSON.stringify({ ...meta, causation_id: 'a\ud800' }) })).headers['ce-causationid']).toBe(
      'a%EF%BF%BD',
    );
  });
});

describe('a message that is no readable event', () => {
  const kindOf = (headers: Record<string, string>, body = stored().data): string => {
    try {
      decodeEvent(headers, body);
    } catch (error) {
      if (error instanceof UnreadableEvent) return error.kind;
      throw error;
    }
    return 'readable';
  };
  const good = overTheWire(stored()).headers;

  it('says what kind of unreadable it is', () => {
    expect(kindOf(good)).toBe('readable');
    expect(kindOf(good, '{')).toBe('undecodable');
    expect(kindOf({ ...good, 'ce-causationid': '%zz' })).toBe('undecodable');
    expect(kindOf({ ...good, 'ce-sealed': '{' })).toBe('undecodable');
    expect(kindOf(good, '{"mission_id":"m-1"}')).toBe('invalid');
    expect(kindOf({ ...good, 'ce-streamversion': '0' })).toBe('invalid');
    expect(kindOf({ ...good, 'ce-authtype': 'root' })).toBe('invalid');
    expect(kindOf({ ...good, 'ce-type': 'baton.plan.plan-cancelled' })).toBe('invalid');
    expect(kindOf({ ...good, 'ce-type': 'baton.plan.plan-cancelled.v2' })).toBe('unknown-type');
    expect(kindOf({ ...good, 'ce-type': 'baton.plan.plan-abandoned.v1' })).toBe('unknown-type');
    for (const name of ['ce-id', 'ce-type', 'ce-subject', 'ce-sequence', 'ce-correlationid', 'ce-authid']) {
      const { [name]: _left, ...rest } = good;
      expect({ name, kind: kindOf(rest) }).toEqual({ name, kind: 'invalid' });
    }
  });

  it('is still published when only a newer release knows its type, or nobody can read its envelope', () => {
    expect(describeEvent('PlanAbandoned')).toBeUndefined();
    const newer = overTheWire(stored({ type: 'PlanAbandoned' }));
    expect(encodeEvent(stored({ type: 'PlanAbandoned' })).subject).toBe('baton.event.plan.plan-abandoned');
    expect(kindOf(newer.headers)).toBe('unknown-type');
    expect(kindOf(overTheWire(stored({ meta: '{"schema_version":1}' })).headers)).toBe('invalid');
  });
});
