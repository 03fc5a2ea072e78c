import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { FAULTS } from './faults/suite.ts';
import { untrueTrustPage, type Tests } from './trust-page.ts';

const REPOSITORY = dirname(dirname(dirname(import.meta.dirname)));
const source = (path: string): string | null => {
  const file = join(REPOSITORY, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
};
const REAL: Tests = { faults: FAULTS, source };
const page = source('docs/trust.md') ?? '';

describe('the page that says what is tried', () => {
  it('is true', () => {
    expect(untrueTrustPage(page, REAL)).toEqual([]);
  });

  it.each([
    [
      '{slow,behind,deleted,full}',
      '{slow,behind,deleted}',
      /does not name the fault T24\.full \(.+\): add `T24\.full` to "tried by" of its row T24$/,
    ],
    ['`T5`', '`T5` `T5.gone`', /names the fault T5\.gone, which the suite does not have/],
    ['| T37 |', '| 37 |', /has to have one row T37: \| T37 \| what is done \|/],
    ['| T6 |', '| T5 |', /has to have one row T5: \| T5 \| .+ \| `T5` \| \|$/],
    ['golden/golden.spec.ts', 'golden/gone.spec.ts', /names tools\/src\/golden\/gone\.spec\.ts, which does not exist/],
    [
      '"has done nothing twice"',
      '"has done nothing"',
      /names a test "has done nothing", which .+kill\.sys\.spec\.ts does not have/,
    ],
    [/^(\| T38 \|.+)\|.+\|$/m, '$1| |', /row T38 names neither a test nor the reason/],
  ])('is found out where %s stands as %s', (real, planted, said) => {
    const changed = page.replace(real, planted);
    expect(changed).not.toBe(page);
    expect(untrueTrustPage(changed, REAL)).toContainEqual(expect.stringMatching(said));
  });

  it('is told what to write for a fault that is new', () => {
    const faults = [
      ...FAULTS,
      { id: 'T2.executor.further', broke: 'an executor is further away' },
      { id: 'T46.a', broke: 'something new' },
      { id: 'T46.b', broke: 'the same in another way' },
    ];
    expect(untrueTrustPage(page, { faults, source })).toEqual([
      'docs/trust.md has to have one row T46: | T46 | something new | `T46.a` `T46.b` | |',
      'docs/trust.md does not name the fault T2.executor.further (an executor is further away): add `T2.executor.further` to "tried by" of its row T2',
    ]);
  });
});
