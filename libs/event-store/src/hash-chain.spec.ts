import { describe, expect, it } from '@jest/globals';
import { GENESIS_HASH, hashOf, microseconds, recordedAt } from './hash-chain.ts';

describe('the hash chain', () => {
  const event = {
    position: 1,
    stream: 'mission-1',
    version: 1,
    id: '00000000-0000-4000-8000-000000000001',
    type: 'MissionAccepted',
    recorded_at: '2026-11-21T00:01:31.000456Z',
    meta: '{}',
    data: '{"title":"Grüße"}',
  };

  it('is the same for ever: whoever keeps a head can check a log of any age', () => {
    expect(hashOf(GENESIS_HASH, event)).toBe('6749c6b3be2a49bff03786f3a5d5c351014d1c280f0a610a987301ae623d5cf4');
  });

  it.each(Object.keys(event) as (keyof typeof event)[])('covers %s', (field) => {
    const other = {
      ...event,
      [field]: field === 'recorded_at' ? '2026-11-21T00:01:31.000457Z' : typeof event[field] === 'number' ? 2 : 'x',
    };
    expect(hashOf(GENESIS_HASH, other)).not.toBe(hashOf(GENESIS_HASH, event));
  });

  it('covers the hash before', () => {
    expect(hashOf('1'.repeat(64), event)).not.toBe(hashOf(GENESIS_HASH, event));
  });

  it.each([0, 1, 999, 1_000, 1_795_219_291_000_456, 1_795_219_291_999_999])(
    'writes %d microseconds as text and reads them back',
    (us) => {
      expect(recordedAt(us)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      expect(microseconds(recordedAt(us))).toBe(us);
    },
  );
});
