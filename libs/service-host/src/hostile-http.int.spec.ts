import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { hostedService, type HostedService } from '../test/hosted-service.ts';
import { HEADER_BYTES_MAX } from './limits.ts';

/** Bytes as they are: what no client library would send. Resolves to all that is answered until the connection is closed. */
async function raw(
  url: string,
  send: (socket: Socket) => void,
): Promise<{ status: number; type: string; body: Record<string, unknown> }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  const answered = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (Buffer.concat(chunks).includes('"status"')) resolve();
    });
    socket.once('close', () => resolve());
    socket.on('error', () => resolve());
  });
  socket.once('connect', () => send(socket));
  await answered;
  socket.destroy();
  const [head = '', body = '{}'] = Buffer.concat(chunks).toString().split('\r\n\r\n');
  const text = body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1);
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]),
    type: /^content-type: (.*)$/im.exec(head)?.[1] ?? '',
    body: JSON.parse(text || '{}') as Record<string, unknown>,
  };
}
const HEAD = 'POST /missions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
const RAW: readonly (readonly [string, number, (socket: Socket) => void])[] = [
  ['no HTTP', 400, (socket) => socket.write('EHLO example.org\r\n\r\n')],
  ['a header with a line break in its value', 400, (socket) => socket.write(`${HEAD}baton-actor: ada\rx-more: 1\r\n\r\n`)],
  ['a header with NUL in it', 400, (socket) => socket.write(`${HEAD}baton-actor: a\0da\r\n\r\n`)],
  ['two lengths of one body', 400, (socket) => socket.write(`${HEAD}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`)],
  [
    'a length and chunks at once',
    400,
    (socket) => socket.write(`${HEAD}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
  ],
  [
    'thousands of headers',
    431,
    (socket) => socket.write(`${HEAD}${Array.from({ length: 5_000 }, (_, at) => `x-${String(at)}: y\r\n`).join('')}\r\n`),
  ],
  ['one header that is too long', 431, (socket) => socket.write(`${HEAD}baton-actor: ${'a'.repeat(HEADER_BYTES_MAX)}\r\n\r\n`)],
  [
    'a body in chunks that does not end',
    413,
    (socket) => {
      socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n`);
      const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
      const more = (): void => {
        while (!socket.destroyed && socket.writable && socket.write(chunk));
        if (!socket.destroyed && socket.writable) socket.once('drain', more);
      };
      more();
    },
  ],
];

const nasty = fc.constantFrom(
  '1e400',
  '12345678901234567890',
  String.raw`"\u0000"`,
  String.raw`"\ud800"`,
  '"t"',
  '"low"',
  'null',
  '-0',
  '[[[[]]]]',
);
const name = fc.constantFrom('"title"', '"risk"', '"__proto__"', '"constructor"', String.raw`"\u0000"`, '"toString"', '""');
const member = fc.tuple(name, nasty).map(([key, value]) => `${key}:${value}`);
const documents = fc.oneof(
  fc.array(member, { maxLength: 4 }).map((members) => `{${members.join(',')}}`),
  fc.tuple(fc.integer({ min: 1, max: 20_000 }), nasty).map(([deep, value]) => '['.repeat(deep) + value + ']'.repeat(deep)),
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.json({ maxDepth: 5 }),
);

describe('hostile input to an HTTP edge', () => {
  let host: HostedService;
  beforeAll(async () => {
    host = await hostedService();
  }, 120_000);
  afterEach(() => host.reset());
  afterAll(() => host?.close());

  it.each(RAW)('is answered with a problem, and its neighbours as ever: %s', async (_name, status, send) => {
    await host.start();
    const answer = await raw(host.running().url, send);
    expect(answer).toMatchObject({
      status,
      type: expect.stringContaining('application/problem+json') as unknown,
      body: { status },
    });
    expect(typeof answer.body['detail']).toBe('string');
    expect((await host.post('{"title":"t","risk":"low"}')).status).toBe(201);
  });

  it('is taken, or told what is wrong with it, whatever it is', async () => {
    await host.start();
    await fc.assert(
      fc.asyncProperty(documents, async (text) => {
        const response = await host.post(text);
        const told = response.json() as { faults?: { field: string; problem: string; fix: string }[]; polluted?: boolean };
        const whole = told.faults?.every((fault) => Object.values(fault).every((part) => part.length > 0)) === true;
        expect([response.status, response.type, (told.faults ?? []).length > 0, whole, told.polluted]).toEqual(
          response.status === 201
            ? [201, 'application/json; charset=utf-8', false, false, false]
            : [400, 'application/problem+json; charset=utf-8', true, true, undefined],
        );
      }),
      { numRuns: 300 },
    );
    expect((await host.post('{"title":"t","risk":"low"}')).status).toBe(201);
  });

  it('takes no harm from a request line that is not one', async () => {
    await host.start();
    const { hostname, port } = new URL(host.running().url);
    const status = await new Promise((resolve) =>
      httpRequest({ hostname, port, path: '//%00%ff/..;/' }, (response) => resolve(response.resume().statusCode)).end(),
    );
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect((await host.call('/livez')).status).toBe(200);
  });

  it.each(['application/x-www-form-urlencoded', 'text/plain', 'json', 'multipart/form-data; boundary=x', 'application/json5'])(
    'is not taken as %s',
    async (type) => {
      await host.start();
      const response = await host.post('{"title":"t","risk":"low"}', type);
      expect([response.status, response.type]).toEqual([415, 'application/problem+json; charset=utf-8']);
      expect(response.json()).toMatchObject({
        type: 'urn:baton:problem:unsupported-media-type',
        detail: expect.any(String) as unknown,
      });
    },
  );
});
