import { describe, expect, it } from '@jest/globals';
import { PAST_FAILURES } from '../test/past-failures.ts';
import { planOf, type Plan } from './faults.ts';
import { addTo, missing, newTally } from './report.ts';
import { explained, failureOf } from './shrink.ts';
import { simulate, type Simulated } from './simulation.ts';

const SEEDS = 300;
const MISSIONS = 3;
const calm = (seed: number, missions: number): Plan => ({ ...planOf(seed, missions), disorder: 0, faults: [] });

describe('all services together', () => {
  it('keep every promise and end every mission, whatever is lost, late, repeated or killed', async () => {
    const tally = newTally();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const plan = planOf(seed, MISSIONS);
      const cause = await simulate(plan).then(
        (simulated) => {
          addTo(tally, simulated);
          return null;
        },
        (error: unknown) => String(error),
      );
      if (cause !== null) throw new Error(await explained({ plan, cause }));
    }
    // Not vacuous: everything that can happen did.
    expect(missing(tally)).toEqual([]);
  }, 180_000);

  it('write the same history under the same plan, and another under another', async () => {
    const once = (seed: number): Promise<Simulated> => simulate(planOf(seed, MISSIONS));
    for (const seed of [7, 8, 9]) {
      const [first, again, other] = [await once(seed), await once(seed), await once(seed + 10)];
      expect([again.log_hash, again.steps]).toEqual([first.log_hash, first.steps]);
      expect(other.log_hash).not.toBe(first.log_hash);
    }
  });

  it('lose no attempt and wait for no deadline where nothing goes wrong', async () => {
    const { counts } = await simulate(calm(1, 10));
    expect(counts.get('way:lost-attempt') ?? 0).toBe(0);
    expect(counts.get('end:completed')).toBeGreaterThan(0);
  });

  it.each(Object.entries(PAST_FAILURES))('keep what was once broken: %s', async (_, plan) => {
    expect(await failureOf(plan)).toBeNull();
  });
});
