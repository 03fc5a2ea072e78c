import { describe, expect, it } from '@jest/globals';

import { eventually } from './eventually.ts';

describe('eventually', () => {
  it('returns the first answer that holds', async () => {
    const answers = [null, false, undefined, 0, 1];
    expect(await eventually(() => answers.shift(), { within_ms: 1_000 })).toBe(0);
  });

  it('waits past checks that throw', async () => {
    let calls = 0;
    const check = () => {
      calls += 1;
      if (calls < 3) throw new Error('not yet');
      return calls;
    };
    expect(await eventually(check, { within_ms: 1_000 })).toBe(3);
  });

  it('says what the last check said when the time is over', async () => {
    const never = () => {
      throw new Error('still closed');
    };
    await expect(eventually(never, { within_ms: 20, what: 'the door' })).rejects.toThrow(
      'the door was not so within 20 ms; the last check threw: still closed',
    );
    await expect(eventually(() => false, { within_ms: 20 })).rejects.toThrow('the last check answered false');
  });
});
