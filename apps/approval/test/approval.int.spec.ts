import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { decodeEvent, encodeEvent, publishInbound, type BusConnection } from '@baton/bus';
import { encodeHeaderText, type AnswerGate } from '@baton/contracts';
import type { EventStore } from '@baton/event-store';
import { digestOf, type ServiceRuntime } from '@baton/handling';
import { RUNTIME, readConfig, startService, type RunningService } from '@baton/service-host';
import { logger } from '@baton/telemetry';
import { eventually, recorded, testServers, type TestServers } from '@baton/testing';
import { ApprovalModule } from '../src/approval.module.ts';
import { approvalConfigSchema } from '../src/config.ts';
import { CONTENT_BYTES_MAX } from '../src/content.ts';
import { CONTENT, proposal } from './proposal.ts';

jest.setTimeout(60_000);
const WITHIN = { within_ms: 20_000 };
const log = logger({ service: 'approval', level: 'silent' });

describe('the approval service', () => {
  let servers: TestServers;
  let outside: BusConnection;
  let service: RunningService;
  let runtime: ServiceRuntime;
  let release: EventStore;
  beforeAll(async () => {
    servers = await testServers();
    release = await servers.store('release');
    outside = await servers.bus('cli');
    const config = readConfig(approvalConfigSchema, servers.environment('approval'));
    service = await startService({ name: 'approval', config, module: ApprovalModule, logger: log });
    runtime = service.app.get<ServiceRuntime>(RUNTIME);
  }, 120_000);
  afterAll(async () => {
    await service?.stop();
    await servers?.close();
  });

  /** Ada's release is proposed in the log, and delivered as the relay would; resolves to the mission when that is settled. */
  async function proposed(
    risk: 'low' | 'medium' | 'high',
    mission_id: string = randomUUID(),
    { requested_by = 'ada', artifact }: { readonly requested_by?: string; readonly artifact?: string } = {},
  ): Promise<string> {
    const data = proposal(mission_id, risk, requested_by);
    if (artifact !== undefined) data.change.artifact = artifact;
    const stored = await recorded(release.log, 'release', `release-${mission_id}`, { type: 'ReleaseProposed', data });
    const { subject, headers, payload: body } = encodeEvent(stored);
    const settlement = await runtime.receive({
      kind: 'event',
      consumer: 'approval-react',
      subject,
      headers,
      body,
      deliveries: 1,
      sequence: stored.position,
      event: () => decodeEvent(headers, body),
    });
    expect(settlement).toEqual({ ack: true });
    return mission_id;
  }

  async function answer(mission_id: string, by: string | null, change: Partial<AnswerGate> = {}, revision: unknown = 1) {
    const response = await fetch(`${service.url}/v1/gates/${mission_id}/${String(revision)}/answer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(by === null ? {} : { 'baton-actor': by }) },
      body: JSON.stringify({ answer: 'approve', content_digest: CONTENT, ...change }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }
  const diff = (mission_id: string, revision: unknown = 1) =>
    fetch(`${service.url}/v1/gates/${mission_id}/${String(revision)}/diff`);
  const refused = (status: number, reason: string) => ({ status, body: { type: `urn:baton:problem:${reason}` } });
  const eventsOf = async (mission_id: string) =>
    (await service.platform.store.log.load(`gate-${mission_id}.1`)).map(({ type, meta, data }) => ({
      type,
      meta: JSON.parse(meta) as Record<string, unknown>,
      data: JSON.parse(data) as Record<string, unknown>,
    }));
  const typesOf = async (mission_id: string) => (await eventsOf(mission_id)).map(({ type }) => type);

  it('lets low risk pass by itself and writes down which rule said so', async () => {
    const mission_id = await proposed('low');
    const [passed, ...more] = await eventsOf(mission_id);
    expect(more).toEqual([]);
    const digest = expect.stringMatching(/^sha256:[0-9a-f]{64}$/);
    expect(passed).toMatchObject({
      type: 'GatePassed',
      data: {
        tier: 'autonomous',
        content_digest: CONTENT,
        by: { kind: 'service', id: 'approval' },
        policy: { id: 'default', version: '1.0.0', rule: 'low-risk-passes', digest, input_digest: digest },
      },
    });
    expect(await answer(mission_id, 'bob')).toMatchObject(refused(409, 'already-decided'));
  });

  it('opens one card for a person, however often the release is proposed', async () => {
    const mission_id = await proposed('high');
    await proposed('high', mission_id);
    const events = await eventsOf(mission_id);
    expect(events.map(({ type }) => type)).toEqual(['GateOpened']);
    expect(events).toMatchObject([
      {
        data: {
          tier: 'gate',
          requested_by: 'ada',
          self_approval: false,
          card: { title: 'Say hello', risk: 'high', files: ['HELLO.md'], by_default: 'deny' },
        },
      },
    ]);
  });

  it('shows what a card asks about to whoever may answer, to the byte', async () => {
    const lines = ['diff --git a/HELLO.md b/HELLO.md', 'new file mode 100755', `index ${'0'.repeat(40)}..${'1'.repeat(40)}`];
    const patch = `${[...lines, '--- /dev/null', '+++ b/HELLO.md', '@@ -0,0 +1 @@', '+hello\u009B2J\u202E'].join('\n')}\n`;
    const artifact = await release.artifacts.put(Buffer.from(patch));
    const shown = await diff(await proposed('high', randomUUID(), { artifact }));
    expect(shown.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const text = await shown.text();
    expect(text).not.toMatch(/\p{C}/u);
    expect([shown.status, JSON.parse(text)]).toMatchObject([
      200,
      {
        content_digest: CONTENT,
        card: { title: 'Say hello', files_total: 1, diff_artifact: artifact },
        form: 'patch',
        files: [{ path: 'HELLO.md', change: 'added', new_mode: '100755', insertions: 1, deletions: 0, binary: null }],
        encoding: 'utf-8',
        content: patch,
      },
    ]);
  });

  it('lists a change that is too large for one answer without its content', async () => {
    const line = `+${'x'.repeat(1_022)}\n`;
    const lines = CONTENT_BYTES_MAX / line.length;
    const patch = `diff --git a/x b/x\nnew file mode 100644\n@@ -0,0 +1,${String(lines)} @@\n${line.repeat(lines)}`;
    const shown = await diff(await proposed('high', randomUUID(), { artifact: await release.artifacts.put(Buffer.from(patch)) }));
    expect(await shown.json()).toMatchObject({ files: [{ path: 'x', insertions: lines }], bytes: patch.length, content: null });
  });

  it('says that there is no card, or nothing that a card could be about', async () => {
    expect((await diff(randomUUID())).status).toBe(404);
    expect((await diff(await proposed('low'))).status).toBe(404);
    expect((await diff(await proposed('high'), 'first')).status).toBe(400);
    const gone = await diff(await proposed('high'));
    expect([gone.status, await gone.json()]).toMatchObject([500, { type: 'urn:baton:problem:content-damaged' }]);
  });

  it('takes the first answer of somebody else to what was shown, and no other', async () => {
    const mission_id = await proposed('high');
    expect(await answer(randomUUID(), 'bob')).toMatchObject(refused(404, 'unknown-card'));
    expect(await answer(mission_id, 'bob', {}, 2)).toMatchObject(refused(404, 'unknown-card'));
    expect(await answer(mission_id, 'bob', { content_digest: digestOf('other') })).toMatchObject(
      refused(409, 'different-content'),
    );
    expect(await answer(mission_id, 'ada')).toMatchObject(refused(403, 'self-approval'));
    expect(await typesOf(mission_id)).toEqual(['GateOpened']);

    for (let time = 1; time <= 2; time++)
      expect(await answer(mission_id, 'bob')).toEqual({ status: 200, body: { outcome: 'approved' } });
    expect(await answer(mission_id, 'carol')).toMatchObject(refused(409, 'already-decided'));
    expect(await answer(mission_id, 'bob', { answer: 'deny' })).toMatchObject(refused(409, 'already-decided'));

    const [, granted, passed, ...more] = await eventsOf(mission_id);
    expect(more).toEqual([]);
    const bob = { kind: 'person', id: 'bob' };
    expect(granted).toMatchObject({ type: 'ApprovalGranted', meta: { actor: bob }, data: { by: bob, channel: 'http' } });
    expect(passed).toMatchObject({ type: 'GatePassed', data: { tier: 'gate', by: bob, content_digest: CONTENT } });
  });

  it('takes a name of any letters for one person, however it is sent', async () => {
    const mission_id = await proposed('high', randomUUID(), { requested_by: 'Jos\u00E9' });
    for (const by of ['Jos\u00E9', 'Jose\u0301', 'JOS\u00C9', 'jos\u00E9']) {
      for (const sent of [encodeHeaderText(by), Buffer.from(by).toString('latin1')])
        expect(await answer(mission_id, sent)).toMatchObject(refused(403, 'self-approval'));
    }
    for (const sent of ['Jos\u00E9', "UTF-8''Jos%E9"])
      expect(await answer(mission_id, sent)).toMatchObject({
        status: 400,
        body: { type: 'urn:baton:problem:header-encoding', faults: [{ field: 'Baton-Actor' }] },
      });
    expect((await answer(mission_id, encodeHeaderText('Zo\u00EB'))).status).toBe(200);
    expect((await eventsOf(mission_id))[1]).toMatchObject({ type: 'ApprovalGranted', data: { by: { id: 'Zo\u00EB' } } });
  });

  it('lets one of many win who answer at the same time', async () => {
    const mission_id = await proposed('high');
    const people = Array.from({ length: 8 }, (_, at) => `person-${at}`);
    const answers = await Promise.all(people.map((by, at) => answer(mission_id, by, { answer: at % 2 ? 'deny' : 'approve' })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...people.slice(1).map(() => 409)]);
    const winner = answers.findIndex(({ status }) => status === 200);
    expect(await typesOf(mission_id)).toEqual(
      winner % 2 ? ['GateOpened', 'ApprovalDenied'] : ['GateOpened', 'ApprovalGranted', 'GatePassed'],
    );
  });

  it('lets whoever asked approve medium risk, and deny high risk', async () => {
    const [medium, high] = [await proposed('medium'), await proposed('high')];
    expect((await answer(medium, 'ada')).status).toBe(200);
    expect(await answer(high, 'ada', { answer: 'deny', reason: 'too early' })).toEqual({
      status: 200,
      body: { outcome: 'denied' },
    });
    expect((await eventsOf(high))[1]).toMatchObject({ type: 'ApprovalDenied', data: { reason: 'too early' } });
  });

  it('asks for an answer that can be read, from somebody', async () => {
    const mission_id = await proposed('high');
    const bad = [
      await answer(mission_id, null),
      await answer(mission_id, 'bob', { answer: 'maybe' as 'deny' }),
      await answer(mission_id, 'bob', {}, 'first'),
      await answer(mission_id, 'bob', {}, 0),
    ];
    for (const { status, body } of bad)
      expect({ status, faults: body['faults'] }).toEqual({ status: 400, faults: [expect.anything()] });
    for (const by of [null, ' ', 'x'.repeat(201)])
      expect(await answer(mission_id, by, { by: 'bob' })).toMatchObject({
        status: 400,
        body: {
          type: 'urn:baton:problem:missing-header',
          detail: expect.stringMatching(/^header Baton-Actor is (missing|longer than 200 characters)$/) as unknown,
          faults: [{ field: 'Baton-Actor', fix: 'say who asks, such as Baton-Actor: ada@example.org' }],
        },
      });
    // Who answers is who asks at the edge, whatever the body says.
    expect(await answer(mission_id, 'ada', { by: 'bob' })).toMatchObject(refused(403, 'self-approval'));
    expect(await typesOf(mission_id)).toEqual(['GateOpened']);
  });

  it.each(['%00', 'a%0ab', '%ff', '..%2f..', 'm.1', 'x'.repeat(101), '-x'])(
    'knows no card of a mission called %s, and says so',
    async (name) => {
      const answered = await answer(name, 'bob');
      expect(answered.status).toBeGreaterThanOrEqual(400);
      expect(answered.status).toBeLessThan(500);
      expect(answered.body).toMatchObject({ status: answered.status, title: expect.any(String) as unknown });
      expect((await answer(randomUUID(), 'bob')).status).toBe(404);
    },
  );

  it.each([
    '{"answer":"approve","answer":"deny","content_digest":"x"}',
    '{"answer":"approve","content_digest":"x","__proto__":{"by":"ada"}}',
    String.raw`{"answer":"approve","content_digest":"\u0000"}`,
    `{"answer":"approve","content_digest":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
    `{"answer":"approve","content_digest":"${'x'.repeat(300)}"}`,
    '[1e400]',
    'null',
  ])('takes no answer that could be read in two ways, or not at all, and says what is wrong: %.60s', async (body) => {
    const response = await fetch(`${service.url}/v1/gates/${randomUUID()}/1/answer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'baton-actor': 'bob' },
      body,
    });
    const told = (await response.json()) as { faults: readonly { field: string; fix: string }[] };
    expect([response.status, told.faults.length > 0, told.faults.every(({ field, fix }) => field !== '' && fix !== '')]).toEqual([
      400,
      true,
      true,
    ]);
  });

  it('takes answers by event, once, and dead-letters what is none', async () => {
    const mission_id = await proposed('high');
    const asked = { mission_id, revision: 1, content_digest: CONTENT, answer: 'approve', by: 'bob' };
    const publish = async (body: unknown): Promise<void> => {
      const before = runtime.stats().handled;
      await publishInbound(outside.connection, 'AnswerGate', body, { id: randomUUID() });
      await eventually(() => runtime.stats().handled > before, WITHIN);
    };
    await publish({ ...asked, by: 'ada' });
    expect(await typesOf(mission_id)).toEqual(['GateOpened']);
    for (let time = 1; time <= 2; time++) await publish(asked);
    expect(await typesOf(mission_id)).toEqual(['GateOpened', 'ApprovalGranted', 'GatePassed']);
    const [, granted] = await eventsOf(mission_id);
    expect(granted).toMatchObject({ data: { by: { id: 'bob' }, channel: 'event' } });

    await publish({ ...asked, revision: 'first' });
    expect(await service.platform.store.deadLetters.list({ status: 'parked' })).toMatchObject([
      { reason: 'invalid', cause: expect.stringMatching(/^revision: /), deliveries: 1 },
    ]);
  });
});
