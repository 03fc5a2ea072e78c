import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { publishInbound, type BusConnection } from '@baton/bus';
import { INBOUND } from '@baton/contracts';
import { missionIdOf, type ServiceRuntime } from '@baton/handling';
import { RUNTIME } from '@baton/service-host';
import { eventually } from '@baton/testing';
import { headers as natsHeaders } from '@nats-io/nats-core';
import fc from 'fast-check';
import { contract } from './contract.fixture.ts';
import { intakeUnderTest } from './intake-under-test.ts';

jest.setTimeout(120_000);
const WITHIN = { within_ms: 30_000 };

/** Values that a field may be given instead of what belongs there, as JSON texts. */
const nasty = fc.oneof(
  fc.constantFrom(
    '1e400',
    '-1e400',
    '12345678901234567890',
    String.raw`"\u0000"`,
    String.raw`"\ud800"`,
    String.raw`"x\r\nNats-Rollup: all"`,
    '{"__proto__":{"polluted":true}}',
    '{"constructor":{"prototype":{"polluted":true}}}',
    '{"a":1,"a":2}',
    '"\u202e../../etc/passwd"',
    'null',
    '""',
    '-0',
    `"${'x'.repeat(300_000)}"`,
    '['.repeat(20_000) + ']'.repeat(20_000),
  ),
  fc.json({ maxDepth: 4 }),
);
/** A mission with one field replaced, or one that it does not have. */
const mutated = fc
  .tuple(fc.constantFrom(...Object.keys(contract()), 'unknown', '__proto__', 'toString'), nasty)
  .map(([field, value]) => {
    const members = Object.entries(contract())
      .filter(([name]) => name !== field)
      .map(([name, member]) => `${JSON.stringify(name)}:${JSON.stringify(member)}`);
    return `{${[...members, `${JSON.stringify(field)}:${value}`].join(',')}}`;
  });

describe('hostile input to intake', () => {
  const intake = intakeUnderTest();
  let outside: BusConnection;
  beforeAll(async () => {
    outside = await intake.servers().bus('cli');
  });

  async function post(path: string, body: string, headers: Record<string, string> = {}) {
    const response = await fetch(`${intake.service().url}/v1/missions${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'baton-actor': 'eve', ...headers },
      body,
    });
    return { status: response.status, type: response.headers.get('content-type') ?? '', text: await response.text() };
  }
  const handled = (): number => intake.service().app.get<ServiceRuntime>(RUNTIME).stats().handled;
  async function expectGoesOn(): Promise<void> {
    const key = randomUUID();
    expect((await post('', JSON.stringify(contract()), { 'idempotency-key': key })).status).toBe(201);
    const other = randomUUID();
    await publishInbound(
      outside.connection,
      'SubmitMission',
      { idempotency_key: other, requested_by: 'ada', contract: contract() },
      { id: other },
    );
    await eventually(
      async () => (await intake.service().platform.store.log.load(`mission-${missionIdOf(other)}`)).length === 1,
      WITHIN,
    );
  }

  it('over HTTP is accepted or answered with what is wrong and how to mend it', async () => {
    await fc.assert(
      fc.asyncProperty(mutated, async (body) => {
        const { status, type, text } = await post('', body, { 'idempotency-key': randomUUID() });
        if (status === 201) return;
        expect([[400, 422].includes(status), type, status]).toEqual([true, 'application/problem+json; charset=utf-8', status]);
        const { faults } = JSON.parse(text) as { faults: { field: string; problem: string; fix: string }[] };
        expect(faults.length).toBeGreaterThan(0);
        for (const { field, problem, fix } of faults)
          expect([field, problem, fix].map((part) => part.length > 0)).toEqual([true, true, true]);
      }),
      { numRuns: 150 },
    );
    expect('polluted' in {}).toBe(false);
    await expectGoesOn();
  });

  it.each(['%00', 'a%0ab', '%ff', 'a%20b', '..%2f..', "x'%3b--", 'm.1', 'x'.repeat(101), '%F0%9F%92%A5', '-x'])(
    'knows no mission called %s, and says so',
    async (name) => {
      const { status, type } = await post(`/${name}/cancel`, '{}');
      expect([status >= 400 && status < 500, type]).toEqual([true, 'application/problem+json; charset=utf-8']);
      await expectGoesOn();
    },
  );

  it('by event ends as an event or as a dead letter with its cause, and holds up nobody', async () => {
    const bodies = [
      ...fc
        .sample(fc.tuple(mutated, fc.uuid()), { numRuns: 60, seed: 23 })
        .map(([body, key]) => [
          INBOUND.SubmitMission.subject,
          `{"idempotency_key":"${key}","requested_by":"eve","contract":${body}}`,
        ]),
      ...fc
        .sample(fc.string({ unit: 'binary', maxLength: 300 }), { numRuns: 40, seed: 24 })
        .map((body) => [INBOUND.SubmitMission.subject, body]),
      ...[
        '',
        '{',
        'null',
        '[]',
        '{"mission_id":"\\u0000","by":"eve"}',
        '{"mission_id":"a\\nb","by":"eve"}',
        '{"mission_id":"m","by":"\\u0000"}',
        '{"mission_id":{"a":1},"by":1e400}',
      ].map((body) => [INBOUND.CancelMission.subject, body]),
    ].filter(([, body]) => Buffer.byteLength(body ?? '') < 250_000);
    const before = handled();
    for (const [index, [subject, body]] of bodies.entries()) {
      const headers = natsHeaders();
      headers.set('ce-id', `${String(index)}-${['%', '%0d%0aNats-Rollup: all', 'x'.repeat(5_000), '%ff'][index % 4] ?? ''}`);
      headers.set('traceparent', ['x'.repeat(20_000), '%00', '00-0-0-0'][index % 3] ?? '');
      outside.connection.publish(subject ?? '', Buffer.from(body ?? ''), { headers });
    }
    await eventually(() => handled() - before >= bodies.length, WITHIN);
    const letters = await intake.service().platform.store.deadLetters.list({ status: 'parked' });
    expect(letters.length).toBeGreaterThan(10);
    for (const { reason, cause, deliveries } of letters)
      expect([reason, cause.length > 0, deliveries]).toEqual(['invalid', true, 1]);
    await expectGoesOn();
  });
});
