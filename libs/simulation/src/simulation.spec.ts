import { EVENT_TYPES } from '@baton/contracts';
import { describe, expect, it } from '@jest/globals';
import { hash } from 'node:crypto';
import { ALL_FAULTS, NO_FAULTS } from './service-process.ts';
import { simulate, type Simulated } from './simulation.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => hash('sha256', bytes, 'buffer');
const SEEDS = 100;
const MISSIONS = 5;

describe('all services together', () => {
  it('end every mission, whatever is duplicated, late, reordered, lost or killed', async () => {
    const histogram = new Map<string, number>();
    const ends = new Map<string, number>();
    let crashes = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const simulated = await simulate({ seed, missions: MISSIONS, faults: ALL_FAULTS, sha256 }).catch((cause: unknown) => {
        throw new Error(`seed ${seed}: ${(cause as Error).message}`, { cause });
      });
      expect([seed, simulated.dead_letters]).toEqual([seed, []]);
      for (const [type, count] of simulated.histogram) histogram.set(type, (histogram.get(type) ?? 0) + count);
      for (const end of simulated.missions.values()) ends.set(end, (ends.get(end) ?? 0) + 1);
      crashes += simulated.crashes;
    }
    // Not vacuous: everything that can happen did.
    expect(EVENT_TYPES.filter((type) => !histogram.has(type))).toEqual([]);
    expect([...ends.keys()].toSorted()).toEqual(['cancelled', 'completed', 'failed']);
    expect(crashes).toBeGreaterThan(SEEDS);
  }, 180_000);
  it('write the same history under the same seed, and another under another', async () => {
    const once = (seed: number): Promise<Simulated> => simulate({ seed, missions: MISSIONS, faults: ALL_FAULTS, sha256 });
    const [first, again, other] = [await once(7), await once(7), await once(8)];
    expect([again.log_hash, again.steps]).toEqual([first.log_hash, first.steps]);
    expect(other.log_hash).not.toBe(first.log_hash);
  });
  it('lose no attempt where nothing goes wrong', async () => {
    const simulated = await simulate({ seed: 1, missions: 10, faults: NO_FAULTS, sha256 });
    expect(simulated.histogram.get('AttemptLost') ?? 0).toBe(0);
    expect([...simulated.missions.values()]).toContain('completed');
  });
});
