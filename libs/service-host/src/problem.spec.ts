import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { NotFoundException, PayloadTooLargeException } from '@nestjs/common';
import { toProblem } from './problem.ts';

const REPOSITORY = join(import.meta.dirname, '../../..');

describe('a problem of the edge', () => {
  it('at an unknown address points at pages that are there', () => {
    const { detail = '' } = toProblem(new NotFoundException()).body;
    const pages = detail.match(/[\w/-]+\.md/g) ?? [];
    expect(pages).toEqual(['apps/intake/README.md', 'apps/approval/README.md']);
    expect(pages.filter((page) => !existsSync(join(REPOSITORY, page)))).toEqual([]);
  });

  it('with a body that is too large says where long content belongs', () => {
    expect(toProblem(new PayloadTooLargeException()).body).toMatchObject({
      type: 'urn:baton:problem:body-too-large',
      detail: 'A body may have at most 1048576 bytes; put what is long into a file of the repository and name that.',
    });
  });
});
