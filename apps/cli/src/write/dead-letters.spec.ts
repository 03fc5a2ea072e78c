import type { KeptDeadLetter } from '@baton/ports';
import { expect, it } from '@jest/globals';
import { replayId, returning } from './dead-letters.ts';

it('a replay that is done again is the same message, and one of a letter that was parked again is another', () => {
  const letter = { id: 'a', parked_at: '2026-11-21T00:00:00.000001Z' };
  expect(replayId({ ...letter })).toBe(replayId(letter));
  expect(replayId({ ...letter, parked_at: '2026-11-21T00:00:00.000002Z' })).not.toBe(replayId(letter));
  expect(replayId({ ...letter, id: 'b' })).not.toBe(replayId(letter));
});

it('an event comes back with all of its stream, also with what an interrupted replay has settled', () => {
  const letter = (id: string, stream: string | null, status: KeptDeadLetter['status']): KeptDeadLetter => ({
    id,
    stream,
    status,
    consumer: 'planner-react',
    subject: 'baton.event.mission.mission-accepted',
    position: 7,
    headers: {},
    body: '{}',
    reason: 'handler-failed',
    cause: 'it threw',
    deliveries: 8,
    parked_at: '2026-11-21T00:00:00.000001Z',
  });
  const first = letter('a', 'plan-1', 'replayed');
  const all = [first, letter('b', 'plan-1', 'parked'), letter('c', 'plan-1', 'discarded'), letter('d', 'plan-2', 'parked')];
  expect(returning(first, all).map(({ id }) => id)).toEqual(['a', 'b']);
  const alone = letter('e', null, 'parked');
  expect(returning(alone, [...all, alone, letter('f', null, 'parked')]).map(({ id }) => id)).toEqual(['e']);
});
