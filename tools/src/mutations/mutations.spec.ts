// The list of guards is true of the sources, and switching one off is noticed, or told where it is not.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { REPOSITORY } from '../tidy/scratch.ts';
import { copyOf, type Copy } from './copy.ts';
import { faultsOf, SUITES, withoutGuard, type Guard } from './guard.ts';
import { GUARDS } from './guards/list.ts';
import { greenBefore, isRed, switchOff } from './run.ts';

const read = (path: string): string | undefined => {
  try {
    return readFileSync(join(REPOSITORY, path), 'utf8');
  } catch {
    return undefined;
  }
};
const suites = readdirSync(join(REPOSITORY, SUITES)).map((name) => readFileSync(join(REPOSITORY, SUITES, name), 'utf8'));
const guardNamed = (name: string): Guard => GUARDS.find((guard) => guard.name === name)!;
const JEST_MS_MAX = 60_000;

describe('the list of guards', () => {
  it('names what stands in the sources once, and tests that exist', () => {
    expect(faultsOf(GUARDS, read, suites)).toEqual([]);
    expect(GUARDS.length).toBeGreaterThanOrEqual(25);
  });

  it('says so where a guard, its file, its spec or its test has moved', () => {
    const guard = guardNamed('nobody approves what they asked for');
    const one = (change: Partial<Guard>): string | undefined => faultsOf([{ ...guard, ...change }], read, suites)[0];
    expect(one({ text: 'if (nobody)' })).toMatch(
      /^guard moved: "nobody approves .*" is in libs\/domain\/src\/gate.ts no more; write/,
    );
    expect(one({ text: 'return' })).toMatch(/^guard moved: .* \d+ times; write/);
    expect(one({ file: 'libs/domain/src/gone.ts' })).toMatch(/^guard moved: .* which is gone$/);
    expect(one({ spec: 'libs/domain/src/gone.spec.ts' })).toMatch(/is held by .* which is gone$/);
    expect(one({ test: 'is no test' })).toMatch(/is held by the test "is no test", which is neither in/);
    expect(one({ off: guard.text })).toMatch(/is not switched off by its row/);
    expect(faultsOf([guard, guard], read, suites)).toEqual([`two guards are called "${guard.name}"`]);
  });

  it('takes what stands in its row as it is, whatever signs are in it', () => {
    expect(withoutGuard({ ...guardNamed('the hash covers data'), text: 'a', off: '$&$1' }, 'b a')).toBe('b $&$1');
  });
});

describe('a run of the list', () => {
  const [held, unnoticed, untried] = [{ status: 'held' }, { status: 'unnoticed' }, { status: 'not-tried' }] as const;

  it('is red where nobody noticed, and where it is to be strict also of what could not be tried', () => {
    expect([[held], [held, unnoticed], [held, untried]].map((outcomes) => isRed(outcomes, false))).toEqual([false, true, false]);
    expect([[held], [held, unnoticed], [held, untried]].map((outcomes) => isRed(outcomes, true))).toEqual([false, true, true]);
  });
});

describe('a guard that is switched off', () => {
  let copy: Copy;
  beforeAll(() => {
    copy = copyOf(REPOSITORY);
  });
  afterAll(() => copy.remove());
  const guard = guardNamed('an answer counts for the content that was shown');
  const tested = (): string => readFileSync(join(copy.root, guard.file), 'utf8');

  it(
    'turns its test red in a copy, across packages too, and is on again afterwards',
    async () => {
      // The handling imports this file from another package.
      const across: Guard = {
        ...guardNamed('a success is taken from the current attempt only'),
        spec: 'libs/handling/src/work.spec.ts',
        test: 'that lost its lease is aborted, its report is stale',
      };
      const before = tested();
      expect(await greenBefore(copy, [guard, across])).toEqual([]);
      expect(await switchOff(copy, guard)).toMatchObject({ status: 'held', told: 'a gate refuses content nobody saw' });
      expect(await switchOff(copy, across)).toMatchObject({ status: 'held' });
      expect([tested(), read(guard.file)]).toEqual([before, before]);
    },
    JEST_MS_MAX,
  );

  it(
    'and is noticed by nobody is told as such: by a test that stays green, a spec that cannot be run, a test that was red before',
    async () => {
      const harmless: Guard = { ...guard, text: '// The content may have moved since it was read', off: '// It may have moved' };
      expect(await switchOff(copy, harmless)).toMatchObject({ status: 'unnoticed', told: 'every test stayed green' });
      const broken: Guard = { ...guard, off: 'if (' };
      expect(await switchOff(copy, broken)).toMatchObject({
        status: 'unnoticed',
        told: expect.stringContaining('could not be run'),
      });
      const nameless: Guard = { ...guard, test: 'is no test' };
      expect(await greenBefore(copy, [nameless])).toMatchObject([{ status: 'unnoticed' }]);
    },
    JEST_MS_MAX,
  );
});
