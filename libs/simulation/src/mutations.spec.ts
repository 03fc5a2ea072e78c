import { describe, expect, it } from '@jest/globals';
import { MUTATIONS } from '../test/mutations.ts';
import { planOf, type Plan } from './faults.ts';
import { explained, failureOf, shrink } from './shrink.ts';

const SEEDS_MAX = 300;
const MISSIONS = 3;

describe('a planted bug', () => {
  it.each(Object.entries(MUTATIONS))(
    'is found within 300 seeds: %s',
    async (name, wraps) => {
      for (let seed = 1; seed <= SEEDS_MAX; seed++) {
        const cause = await failureOf(planOf(seed, MISSIONS), wraps);
        if (cause === null) continue;
        process.stdout.write(`found at seed ${seed}: ${name}\n  by: ${cause.split('\n')[0]}\n`);
        // Without the bug the same seed holds: it is the bug that was found.
        expect(await failureOf(planOf(seed, MISSIONS))).toBeNull();
        return;
      }
      throw new Error(`${name}: not found by ${SEEDS_MAX} seeds`);
    },
    120_000,
  );

  it('is shrunk to less than it was found with, and told in words', async () => {
    const wraps = MUTATIONS['stale fence accepted: a report counts for another attempt'];
    for (let seed = 1; seed <= SEEDS_MAX; seed++) {
      const plan = planOf(seed, MISSIONS);
      const cause = await failureOf(plan, wraps);
      if (cause === null) continue;
      const smaller = await shrink({ plan, cause }, wraps);
      const size = ({ missions, faults }: Plan): number => missions.length + faults.length;
      expect(size(smaller.plan)).toBeLessThan(size(plan));
      expect(await failureOf(smaller.plan, wraps)).toBe(smaller.cause);
      const told = await explained({ plan, cause }, wraps);
      expect(told).toContain(`seed ${seed}: `);
      expect(told).toContain('FAULT ');
      expect(told).toContain(`--plan '${JSON.stringify(smaller.plan)}'`);
      return;
    }
    throw new Error('not found at all');
  }, 120_000);
});
