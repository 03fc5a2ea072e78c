import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { hostedService, type Called, type HostedService } from '../test/hosted-service.ts';

describe('the HTTP edge of a service', () => {
  let host: HostedService;
  beforeAll(async () => {
    host = await hostedService();
  }, 120_000);
  afterEach(() => host.reset());
  afterAll(() => host?.close());

  it.each<[string, () => Promise<Called>, number, object]>([
    ['an unknown address', () => host.call('/nowhere'), 404, { type: 'urn:baton:problem:not-found', title: 'Not Found' }],
    ['an unknown method', () => host.call('/missions', { method: 'DELETE' }), 404, { type: 'urn:baton:problem:not-found' }],
    [
      'a body that is not JSON',
      () => host.post('{"title":'),
      400,
      { type: 'urn:baton:problem:invalid-body', faults: [{ field: '(body)' }] },
    ],
    ['an empty body', () => host.post(''), 400, { faults: [{ field: '(body)' }] }],
    [
      'JSON that would change all objects',
      () => host.post('{"title":"t","risk":"low","__proto__":{"polluted":1}}'),
      400,
      { faults: [{ field: '__proto__' }] },
    ],
    [
      'JSON that would do it in a roundabout way',
      () => host.post('{"title":"t","risk":"low","constructor":{"prototype":{"polluted":1}}}'),
      400,
      {},
    ],
    [
      'a body that is too large',
      () => host.post(JSON.stringify({ title: 'x'.repeat(1_048_577) })),
      413,
      { type: 'urn:baton:problem:body-too-large' },
    ],
    [
      'another kind of body',
      () => host.post('<x/>', 'application/xml'),
      415,
      { type: 'urn:baton:problem:unsupported-media-type' },
    ],
    [
      'bytes that are no text',
      () => host.post(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])),
      400,
      { faults: [{ field: '(body)', problem: 'is not text in UTF-8' }] },
    ],
    [
      'a problem of the controller',
      () => host.call('/missions/taken'),
      409,
      { type: 'urn:baton:problem:key-reused', title: 'The key is taken', detail: 'Use another.' },
    ],
    [
      'a store that is away',
      () => host.call('/missions/away'),
      503,
      {
        type: 'urn:baton:problem:store-unavailable',
        detail: expect.stringMatching(/Nothing was lost.*same Idempotency-Key/) as unknown,
      },
    ],
    ['what no event holds', () => host.call('/missions/endless'), 413, { type: 'urn:baton:problem:event-too-large' }],
    ['an error nobody foresaw', () => host.call('/missions/broken'), 500, { type: 'urn:baton:problem:internal' }],
  ])('answers %s with a problem', async (_name, send, status, body) => {
    await host.start();
    const response = await send();
    expect(response.type).toBe('application/problem+json; charset=utf-8');
    expect(response.json()).toMatchObject({ status, ...body });
    expect(response.status).toBe(status);
    expect(response.text).not.toContain('hush');
    expect(host.lines.some(({ msg }) => msg === 'http-request-failed')).toBe(status >= 500);
  });

  it('says when to come again if the store is away', async () => {
    await host.start();
    expect((await host.call('/missions/away')).headers.get('retry-after')).toBe('2');
  });

  it('answers while it is not known yet what becomes of the request', async () => {
    await host.start();
    const response = await host.call('/missions/slow');
    expect(response.json()).toMatchObject({ status: 503, type: 'urn:baton:problem:store-unavailable' });
  }, 30_000);

  it('names every fault of a body', async () => {
    await host.start();
    expect((await host.post('{"risk":"huge","extra":1}')).json()).toMatchObject({
      status: 400,
      type: 'urn:baton:problem:invalid-body',
      faults: [
        { field: 'title', fix: 'give a value of type string' },
        { field: 'risk', fix: 'use one of low, high' },
        { field: '(body)', fix: 'leave out extra' },
      ],
    });
  });
});
