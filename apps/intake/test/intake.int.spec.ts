import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { publishInbound, type BusConnection } from '@baton/bus';
import { INBOUND, encodeHeaderText, type InboundName } from '@baton/contracts';
import { missionIdOf, type ServiceRuntime } from '@baton/handling';
import { RUNTIME } from '@baton/service-host';
import { eventually } from '@baton/testing';
import { contract, type Loose } from './contract.fixture.ts';
import { intakeUnderTest } from './intake-under-test.ts';

jest.setTimeout(60_000);
const WITHIN = { within_ms: 20_000 };

interface Answer {
  readonly status: number;
  readonly body: Loose;
}

describe('the intake service', () => {
  const intake = intakeUnderTest();
  let outside: BusConnection;
  beforeAll(async () => {
    outside = await intake.servers().bus('cli');
  });

  async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(`${intake.service().url}/v1/missions${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Loose };
  }
  const submit = (key: string, body: unknown, actor = 'ada') => post('', body, { 'idempotency-key': key, 'baton-actor': actor });
  const cancel = (mission_id: string, body: unknown = { reason: 'not needed' }) =>
    post(`/${mission_id}/cancel`, body, { 'baton-actor': 'ada' });
  const publish = (name: InboundName, body: unknown, id: string = randomUUID()) =>
    publishInbound(outside.connection, name, body, { id });
  const inbound = (key: string, body: unknown) =>
    publish('SubmitMission', { idempotency_key: key, requested_by: 'ada', contract: body });
  /** Does it, and waits until so many more deliveries are settled. */
  async function settled(count: number, act: () => Promise<unknown>): Promise<void> {
    const runtime = intake.service().app.get<ServiceRuntime>(RUNTIME);
    const before = runtime.stats().handled;
    await act();
    await eventually(() => runtime.stats().handled >= before + count, WITHIN);
  }
  const eventsOf = async (key: string) =>
    (await intake.service().platform.store.log.load(`mission-${missionIdOf(key)}`)).map(({ type, meta, data }) => ({
      type,
      meta: JSON.parse(meta) as Loose,
      data: JSON.parse(data) as Loose,
    }));
  const typesOf = async (key: string) => (await eventsOf(key)).map(({ type }) => type);
  const fieldsOf = ({ body }: Answer) => (body['faults'] as { field: string }[]).map(({ field }) => field);

  describe('over HTTP', () => {
    it('accepts a mission once: the same again is the same, other content is not', async () => {
      const key = randomUUID();
      const accepted = { mission_id: missionIdOf(key), status: 'accepted' };
      expect(await submit(key, contract())).toEqual({ status: 201, body: accepted });
      expect(await submit(key, contract())).toEqual({ status: 200, body: accepted });
      const other = await submit(key, contract({ title: 'Another' }));
      expect(other).toMatchObject({ status: 409, body: { type: 'urn:baton:problem:idempotency-key-reused' } });
      expect(await submit(key, contract({ title: '' }))).toMatchObject({ status: 409 });

      expect(await eventsOf(key)).toMatchObject([
        {
          type: 'MissionAccepted',
          meta: { correlation_id: missionIdOf(key), actor: { kind: 'person', id: 'ada' } },
          data: { requested_by: 'ada', source: 'http', contract: { title: 'Say hello' } },
        },
      ]);
    });

    it('accepts one mission where many ask for it at the same time', async () => {
      const key = randomUUID();
      const answers = await Promise.all(Array.from({ length: 10 }, () => submit(key, contract())));
      expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array.from({ length: 9 }, () => 200), 201]);
      expect(await typesOf(key)).toEqual(['MissionAccepted']);
    });

    it('names all that is wrong, keeps it, and takes the mended mission under the same key', async () => {
      const key = randomUUID();
      const faulty = contract({ title: '', deadline: 'tomorrow' });
      for (let time = 1; time <= 2; time++) {
        const answer = await submit(key, faulty);
        expect(answer).toMatchObject({ status: 422, body: { type: 'urn:baton:problem:contract-rejected' } });
        expect(fieldsOf(answer)).toEqual(['title', 'deadline']);
      }
      expect(await typesOf(key)).toEqual(['MissionRejected']);
      expect((await submit(key, contract())).status).toBe(201);
      expect(await typesOf(key)).toEqual(['MissionRejected', 'MissionAccepted']);
    });

    it.each<[string, unknown]>([
      ['null', 'null'],
      ['a list', []],
      [
        'full of characters that need many bytes',
        Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`${at}${'\u0001'.repeat(499)}`, 1])),
      ],
    ])('answers a contract that is %s with its faults', async (_name, body) => {
      const key = randomUUID();
      expect((await submit(key, body)).status).toBe(422);
      expect(await typesOf(key)).toEqual(['MissionRejected']);
    });

    it.each([
      ['Idempotency-Key', { 'baton-actor': 'ada' }],
      ['Idempotency-Key', { 'baton-actor': 'ada', 'idempotency-key': ' ' }],
      ['Idempotency-Key', { 'baton-actor': 'ada', 'idempotency-key': 'k'.repeat(201) }],
      ['Baton-Actor', { 'idempotency-key': 'k' }],
    ])('asks for a usable %s', async (name, headers) => {
      const answer = await post('', contract(), headers);
      expect(answer).toMatchObject({ status: 400, body: { type: 'urn:baton:problem:missing-header' } });
      expect(fieldsOf(answer)).toEqual([name]);
    });

    it.each(['Idempotency-Key', 'Baton-Actor'])('refuses a %s that is no UTF-8, and says how to send it', async (name) => {
      for (const value of ['Jos\u00E9', "UTF-8''100%", "UTF-8''a%0Ab"]) {
        const headers = { 'idempotency-key': randomUUID(), 'baton-actor': 'ada', [name.toLowerCase()]: value };
        const answer = await post('', contract(), headers);
        expect(answer).toMatchObject({
          status: 400,
          body: {
            type: 'urn:baton:problem:header-encoding',
            faults: [{ field: name, fix: expect.stringContaining("UTF-8''") as unknown }],
          },
        });
      }
    });

    it('takes a key and a name of any letters as one mission of one person, on every way and in every form', async () => {
      const key = `schl\u00FCssel ${randomUUID()}`;
      await settled(1, () => publish('SubmitMission', { idempotency_key: key, requested_by: 'Jos\u00E9', contract: contract() }));
      for (const form of [key, key.normalize('NFD')]) {
        for (const sent of [encodeHeaderText(form), Buffer.from(form).toString('latin1')])
          expect((await submit(sent, contract(), encodeHeaderText('Jose\u0301'))).status).toBe(200);
      }
      expect(await eventsOf(key)).toMatchObject([{ type: 'MissionAccepted', meta: { actor: { id: 'Jos\u00E9' } } }]);
      const other = randomUUID();
      await submit(other, contract(), Buffer.from('Jose\u0301').toString('latin1'));
      expect(await eventsOf(other)).toMatchObject([
        { meta: { actor: { id: 'Jos\u00E9' } }, data: { requested_by: 'Jos\u00E9' } },
      ]);
    });

    it('refuses a contract that no event would hold, on both ways, and names what is too large', async () => {
      const check = { run: ['sh', '-c', ...Array.from({ length: 3 }, () => 'x'.repeat(2_000))] };
      const body = contract({ criteria: Array.from({ length: 30 }, (_, at) => ({ id: `c-${at}`, statement: 'holds', check })) });
      const [first, second] = [randomUUID(), randomUUID()];
      const answer = await submit(first, body);
      expect([answer.status, fieldsOf(answer)]).toEqual([422, ['criteria']]);
      await settled(1, () => inbound(second, body));
      for (const key of [first, second])
        expect(await eventsOf(key)).toMatchObject([
          {
            type: 'MissionRejected',
            data: { faults: [{ field: 'criteria', problem: expect.stringContaining('57344') as unknown }] },
          },
        ]);
    });

    it('cancels a mission that it knows', async () => {
      const key = randomUUID();
      const mission_id = missionIdOf(key);
      expect(await cancel(mission_id)).toMatchObject({ status: 404, body: { type: 'urn:baton:problem:unknown-mission' } });
      await submit(key, contract());
      expect((await post(`/${mission_id}/cancel`, {})).status).toBe(400);
      for (let time = 1; time <= 2; time++)
        expect(await cancel(mission_id)).toEqual({ status: 202, body: { mission_id, status: 'cancelling' } });
      expect(await eventsOf(key)).toMatchObject([
        { type: 'MissionAccepted' },
        { type: 'MissionCancelRequested', data: { by: 'ada', reason: 'not needed' } },
      ]);
    });
  });

  describe('over events', () => {
    it('takes the same key as the same mission, whichever way it came first', async () => {
      const [first, second] = [randomUUID(), randomUUID()];
      await settled(1, () => inbound(first, contract()));
      expect((await submit(first, contract())).status).toBe(200);
      expect((await submit(second, contract())).status).toBe(201);
      await settled(1, () => inbound(second, contract()));
      expect(await eventsOf(first)).toMatchObject([{ type: 'MissionAccepted', data: { source: 'event' } }]);
      expect(await eventsOf(second)).toMatchObject([{ type: 'MissionAccepted', data: { source: 'http' } }]);
    });

    it('takes the same key as the same mission when both ways are taken at once', async () => {
      const keys = Array.from({ length: 10 }, () => randomUUID());
      await settled(keys.length, () => Promise.all(keys.flatMap((key) => [submit(key, contract()), inbound(key, contract())])));
      for (const key of keys) expect(await typesOf(key)).toEqual(['MissionAccepted']);
    });

    it('cancels', async () => {
      const key = randomUUID();
      await submit(key, contract());
      await settled(1, () => publish('CancelMission', { mission_id: missionIdOf(key), by: 'bob' }));
      expect(await typesOf(key)).toEqual(['MissionAccepted', 'MissionCancelRequested']);
    });

    it('rejects a faulty contract in the log', async () => {
      const key = randomUUID();
      await settled(1, () => inbound(key, contract({ risk: 'enormous' })));
      expect(await eventsOf(key)).toMatchObject([{ type: 'MissionRejected', data: { faults: [{ field: 'risk' }] } }]);
    });

    it('dead-letters what it cannot read, with the cause, and takes what comes after', async () => {
      await settled(1, () => publish('SubmitMission', { contract: contract() }));
      expect(await intake.service().platform.store.deadLetters.list({ status: 'parked' })).toMatchObject([
        {
          reason: 'invalid',
          cause: expect.stringMatching(/idempotency_key: .*requested_by: /),
          subject: INBOUND.SubmitMission.subject,
          body: JSON.stringify({ contract: contract() }),
          position: null,
          deliveries: 1,
        },
      ]);

      const key = randomUUID();
      await settled(1, () => inbound(key, contract()));
      expect(await typesOf(key)).toEqual(['MissionAccepted']);
      expect(await intake.service().platform.store.deadLetters.list({ status: 'parked' })).toHaveLength(1);
    });
  });
});
