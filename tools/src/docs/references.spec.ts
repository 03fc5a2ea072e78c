import { dirname } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { brokenPages, brokenReferences, writtenPages } from './references.ts';

const REPOSITORY = dirname(dirname(dirname(import.meta.dirname)));

describe('the written pages', () => {
  it('point at nothing that is not there', () => {
    expect(writtenPages(REPOSITORY)).toEqual(
      expect.arrayContaining(['README.md', 'ARCHITECTURE.md', 'docs/events.md', 'apps/intake/README.md']),
    );
    expect(brokenPages(REPOSITORY)).toEqual([]);
  });

  it('are told what is not there', () => {
    const text =
      'See [this](libs/gone.md#part), `libs/gone/src/gone.ts`, `libs/*/src`, [web](https://example.org), `npm run gone` and `npm run test`.';
    expect(brokenReferences(REPOSITORY, 'README.md', text, ['test'])).toEqual([
      'README.md links to libs/gone.md, which does not exist',
      'README.md names libs/gone/src/gone.ts, which does not exist',
      'README.md names npm run gone, which package.json does not have',
    ]);
  });
});
