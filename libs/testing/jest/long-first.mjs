// Whole stacks first: on a fresh clone Jest knows only how large the files are, and the longest would begin last, with nothing beside them.
import TestSequencer from '@jest/test-sequencer';

const isWholeStack = ({ path }) => path.endsWith('.sys.spec.ts');

export default class LongFirst extends TestSequencer {
  sort(tests) {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is the sequencer's own, and makes a new list
    const sorted = super.sort(tests);
    return [...sorted.filter(isWholeStack), ...sorted.filter((test) => !isWholeStack(test))];
  }
}
