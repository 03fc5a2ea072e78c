/** The part of the fault suite that fits into a minute; all of it, with how long each recovery takes, is `npm run test:faults`. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { FAULTS, openSuite, type Result, type Suite } from '../src/faults/suite.ts';

const SEED = 20_261_121;
const TEST_MS_MAX = 240_000;
jest.setTimeout(TEST_MS_MAX);

/** One of each kind: half done work, a dead server, a lost bus, everything twice. */
const CHOSEN = ['T1.release.after-land', 'T3', 'T5', 'T7', 'T19'];

describe('a stack that is broken on purpose', () => {
  let suite: Suite;
  beforeAll(() => {
    suite = openSuite({ brief: true });
  });
  afterAll(() => suite.close());

  it.each(CHOSEN)('loses nothing and does nothing twice: %s', async (id) => {
    const fault = FAULTS.find((one) => one.id === id);
    if (fault === undefined) throw new Error(`there is no fault ${id}`);
    const result: Result = await suite.run(fault, SEED);
    expect({ status: result.status, told: result.told }).toMatchObject({ status: 'passed' });
    expect(result.findings).toMatchObject({ lost: 0, twice: 0, dead_letters: 0 });
  });

  it('has a name for each of them that is told apart', () => {
    const ids = FAULTS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
