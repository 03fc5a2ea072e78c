/**
 * Plans that broke a promise once, by what was wrong; each has to hold for ever. `explained` prints the plan of a new one.
 * The first ones are the shortest on which planted bugs (mutations.ts) were found.
 */
import type { Plan } from '../src/faults.ts';

export const PAST_FAILURES: Readonly<Record<string, Plan>> = {
  'the report of a lost attempt comes when another attempt runs': {
    seed: 31,
    missions: [2],
    disorder: 0,
    faults: [
      { at: 66, kind: 'leap', n: 44_487 },
      { at: 243, kind: 'crash-idle', n: 28_977 },
      { at: 421, kind: 'cut-off', n: 54_081 },
    ],
  },
  'a deadline is claimed while another process holds it': {
    seed: 2,
    missions: [2],
    disorder: 0,
    faults: [
      { at: 32, kind: 'answer-lost', n: 32_503 },
      { at: 300, kind: 'cut-off', n: 15_409 },
      { at: 416, kind: 'answer-lost', n: 64_607 },
    ],
  },
  'a settlement is lost and its message has to come again': {
    seed: 6,
    missions: [2],
    disorder: 0,
    faults: [{ at: 193, kind: 'settlement-lost', n: 3_188 }],
  },
  'an approval is given for content that nobody proposed': { seed: 66, missions: [2], disorder: 0, faults: [] },
  'a process dies right after the append that nobody else has seen yet': {
    seed: 1568,
    missions: [0, 1, 2],
    disorder: 1,
    faults: [{ at: 640, kind: 'crash-after', n: 6_922 }],
  },
};
