import { expect, it } from '@jest/globals';
import { replayId } from './dead-letters.ts';

it('a replay that is done again is the same message, and one of a letter that was parked again is another', () => {
  const letter = { id: 'a', parked_at: '2026-11-21T00:00:00.000001Z' };
  expect(replayId({ ...letter })).toBe(replayId(letter));
  expect(replayId({ ...letter, parked_at: '2026-11-21T00:00:00.000002Z' })).not.toBe(replayId(letter));
  expect(replayId({ ...letter, id: 'b' })).not.toBe(replayId(letter));
});
