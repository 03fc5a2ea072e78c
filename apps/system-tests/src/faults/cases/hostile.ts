/** T23: payloads that are made to hurt, at every way in of a running stack. Each is refused with what is wrong, or travels unharmed. */
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { EVENT_STREAM, STREAMS, INBOUND_STREAM } from '@baton/contracts';
import type { Fault } from '../fault.ts';
import type { Ground } from '../ground.ts';
import { parked, settle, type ExpectedLetter } from '../letters.ts';
import { neighboursOf, unharmed } from '../neighbours.ts';
import { messageHeaders, sendInbound, type Sent } from '../outsider.ts';

const NEIGHBOUR_MS_MAX = 5_000;
const DEEP = 20_000;
const INJECTED = 'Nats-Rollup: all\r\nNats-Expected-Last-Sequence: 7\r\nce-id: other';
const PROBLEM = 'application/problem+json';

/** JSON that a parser may take for something else, and what is said of it. */
const DOCUMENTS: readonly (readonly [name: string, body: string, says: string])[] = [
  ['nested 20,000 deep', '['.repeat(DEEP) + ']'.repeat(DEEP), 'is nested deeper'],
  ['objects nested 20,000 deep', '{"a":'.repeat(DEEP) + '1' + '}'.repeat(DEEP), 'is nested deeper'],
  ['NUL', String.raw`{"title":"a\u0000b"}`, 'NUL'],
  ['half a character', String.raw`{"title":"\ud800"}`, 'lone surrogate'],
  ['1e400', '{"budgets":{"run_ms_max":1e400}}', 'cannot be kept exactly'],
  ['20 digits', '{"budgets":{"run_ms_max":12345678901234567890}}', 'cannot be kept exactly'],
  ['a name twice', '{"risk":"high","risk":"low"}', 'is there twice'],
  ['__proto__', '{"__proto__":{"polluted":true}}', 'has a name that may not be used'],
  ['constructor', '{"constructor":{"prototype":{"polluted":true}}}', 'has a name that may not be used'],
  ['no JSON', '{"title":', 'is not JSON'],
  ['nothing', ' ', 'is not JSON'],
];

interface Answered {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

async function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID(), 'baton-actor': 'ada', ...headers },
    body,
  });
  return { status: response.status, type: response.headers.get('content-type') ?? '', text: await response.text() };
}

function assertRefused(name: string, { status, type, text }: Answered, wanted: number, says = ''): void {
  if (status !== wanted || !type.startsWith(PROBLEM) || !text.includes(says))
    throw new Error(
      `${name} was answered ${status} (${type}) instead of a problem ${wanted} that says "${says}": ${text.slice(0, 300)}`,
    );
}

const restartsOf = async ({ baton }: Ground): Promise<string> =>
  JSON.stringify(Object.entries((await baton.stack()).processes).map(([name, { restarts }]) => [name, restarts]));

const overHttp: Fault = {
  id: 'T23.http',
  broke: 'hostile bodies and headers at both HTTP edges',
  ground: 'shared',
  run: async (on) => {
    const { ground } = on;
    const { intake, approval } = (await ground.baton.stack()).services;
    const before = await restartsOf(ground);
    const neighbours = neighboursOf(ground);
    const edges = [`${intake}/v1/missions`, `${approval}/v1/gates/${randomUUID()}/1/answer`];
    for (const url of edges) {
      for (const [name, body, says] of DOCUMENTS) assertRefused(`${name} at ${url}`, await post(url, body), 400, says);
      assertRefused('bytes that are no text', await post(url, Buffer.from([0x22, 0xff, 0xfe, 0x22])), 400, 'UTF-8');
      assertRefused('2 MiB', await post(url, `{"title":"${'x'.repeat(2 * 2 ** 20)}"}`), 413);
      assertRefused('a form', await post(url, 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }), 415);
      assertRefused('a body without its length', await rawly(url, 'baton-actor: a\0da\r\ncontent-length: 2\r\n\r\n{}'), 400);
      assertRefused('two lengths', await rawly(url, 'content-length: 2\r\ncontent-length: 3\r\n\r\n{}'), 400);
    }
    assertRefused('a key of 300 characters', await post(edges[0] ?? '', '{}', { 'idempotency-key': 'k'.repeat(300) }), 400);
    assertRefused('a mission that is a path', await post(`${intake}/v1/missions/..%2f..%2fx/cancel`, '{}'), 400);
    await travels(ground, intake);
    on.note(unharmed(await neighbours.stop(), NEIGHBOUR_MS_MAX));
    const after = await restartsOf(ground);
    if (before !== after) throw new Error(`a process died of it: ${before} became ${after}`);
    await on.recovered(performance.now());
  },
};

/** What a header may hold and a mission may say is kept as it is, and is one header on the bus. */
async function travels(ground: Ground, intake: string): Promise<void> {
  const { missions } = ground;
  const contract = await missions.contract();
  const title = `A title ${INJECTED}\r\n\r\n‮‮ and more`;
  const { status, text } = await post(`${intake}/v1/missions`, JSON.stringify({ ...contract, title }), {
    'baton-actor': 'ada%0d%0aNats-Rollup: all',
    'nats-rollup': 'all',
    'nats-msg-id': 'mine',
    'ce-id': 'mine',
  });
  if (status !== 201) throw new Error(`a mission with line breaks in its title was answered ${status}: ${text}`);
  const { mission_id } = JSON.parse(text) as { mission_id: string };
  missions.took(mission_id);
  await missions.ended([mission_id]);
  await assertOnBus(ground, mission_id, title);
}

async function assertOnBus(ground: Ground, mission_id: string, title: string): Promise<void> {
  const accepted = ground.missions.ledger.events.find(
    ({ type, data }) => type === 'MissionAccepted' && (data as { mission_id: string }).mission_id === mission_id,
  );
  if (accepted?.type !== 'MissionAccepted' || accepted.data.contract.title !== title)
    throw new Error(`the log does not hold the title as it was sent: ${JSON.stringify(accepted?.data)}`);
  const headers = await messageHeaders(ground, EVENT_STREAM, accepted.position);
  // The relay fences with one of them; whatever else was put in would be there twice.
  if (new Set(headers.map((name) => name.toLowerCase())).size !== headers.length || headers.includes('Nats-Rollup'))
    throw new Error(`on the bus it has the headers ${headers.join(', ')}`);
}

/** Bytes as they are: no client library sends them. */
async function rawly(url: string, rest: string): Promise<Answered> {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = '';
  await new Promise<void>((resolve) => {
    socket.once('connect', () =>
      socket.write(`POST ${pathname} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${rest}`),
    );
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('"status"')) resolve();
    });
    socket.once('close', () => {
      resolve();
    });
    socket.on('error', () => {
      resolve();
    });
  });
  socket.destroy();
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), type: /^content-type: (.*)$/im.exec(text)?.[1] ?? '', text };
}

const SUBMIT = 'SubmitMission';
/** Headers that mean something to the server; it refuses them itself. */
const TO_THE_SERVER: readonly Readonly<Record<string, string>>[] = [
  { 'Nats-Rollup': 'all' },
  { 'Nats-Expected-Last-Sequence': '999999999' },
  { 'Nats-Expected-Stream': 'OTHER' },
];
/** Headers that would mean something to us. */
const toUs = (unique: string): readonly Readonly<Record<string, string>>[] => [
  { 'ce-id': `${unique}%0d%0aNats-Rollup: all` },
  { 'ce-id': `${unique}%zz` },
  { 'ce-id': `${unique}__proto__`, 'ce-subject': '../../x' },
  { 'ce-subject': 'mission-x%00y' },
  { 'ce-correlationid': 'x'.repeat(4_000) },
  { ['__proto__']: 'polluted', constructor: 'polluted' },
  { 'Content-Type': 'application/cloudevents+json' },
  { traceparent: 'ff-%0d%0a-x' },
];

const overTheBus: Fault = {
  id: 'T23.requests',
  broke: 'hostile requests on the bus: bodies, headers, sizes',
  ground: 'shared',
  run: async (on) => {
    const { ground } = on;
    const before = await restartsOf(ground);
    const neighbours = neighboursOf(ground);
    const wrapped = (body: string): string => `{"idempotency_key":"${randomUUID()}","requested_by":"ada","contract":${body}}`;
    const documents = DOCUMENTS.map(([, body, says]) => ({ body: wrapped(body), says }));
    const headed = toUs(randomUUID()).map((headers) => ({ body: `{"not ${randomUUID()}`, says: 'is not JSON', headers }));
    const bytes: Sent = { name: SUBMIT, body: Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x7d]) };
    const taken = await sendInbound(ground, [
      ...[...documents, ...headed].map((one) => ({ name: SUBMIT, ...one }) as const),
      bytes,
    ]);
    const untaken = taken.filter((answer) => typeof answer !== 'number');
    if (untaken.length > 0) throw new Error(`the bus did not take what it should hand on: ${untaken.join('; ')}`);
    const refused = await sendInbound(ground, [
      ...TO_THE_SERVER.map((headers) => ({ name: SUBMIT, body: '{}', headers }) as const),
      { name: SUBMIT, body: 'x'.repeat(STREAMS[INBOUND_STREAM].max_msg_bytes + 1) },
    ]);
    if (refused.some((answer) => typeof answer === 'number'))
      throw new Error(`the bus took what it should refuse: ${refused.join('; ')}`);
    const expected = [...documents, ...headed].map(({ body, says }): ExpectedLetter => ({
      reason: 'invalid',
      consumer: 'intake-inbound',
      body,
      says,
    }));
    const garbled = { reason: 'invalid', consumer: 'intake-inbound', body: '{\uFFFD\uFFFD\0}', says: 'is not JSON' } as const;
    const letters = await parked(ground, [...expected, garbled]);
    on.note(`${letters.length} letters, ${unharmed(await neighbours.stop(), NEIGHBOUR_MS_MAX)}`);
    const after = await restartsOf(ground);
    if (before !== after) throw new Error(`a process died of it: ${before} became ${after}`);
    await settle(ground, letters, 'discard');
    await on.recovered(performance.now());
  },
};

export const hostileFaults: readonly Fault[] = [overHttp, overTheBus];
