// References follow package.json: what is missing is reported, then written, then in order.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { syncReferences } from './sync-references.ts';
import { createScratch, type Scratch } from './tidy/scratch.ts';

const manifest = (name: string, ...dependencies: string[]): string =>
  JSON.stringify({
    name,
    nx: { tags: ['kind:app'] },
    dependencies: { zod: '4.0.0', ...Object.fromEntries(dependencies.map((dependency) => [dependency, '0.1.0'])) },
  });

describe('project references', () => {
  let scratch: Scratch;
  beforeEach(() => {
    scratch = createScratch();
    scratch.write({
      'package.json': '{ "workspaces": ["libs/*", "libs/adapters/*", "apps/*"] }',
      'tsconfig.json': '{ "files": [], "references": [{ "path": "libs/gone" }] }',
      'apps/one/package.json': manifest('@baton/one', '@baton/two', '@baton/three'),
      'apps/one/tsconfig.json': '{ "include": ["src"], "references": [{ "path": "../../libs/two" }] }',
      'libs/two/package.json': manifest('@baton/two'),
      'libs/two/tsconfig.json': '{ "include": ["src"], "references": [] }',
      'libs/adapters/three/package.json': manifest('@baton/three', '@baton/two'),
      'libs/adapters/three/tsconfig.json': '{ "include": ["src"] }',
    });
  });
  afterEach(() => scratch.remove());

  it('are reported when they differ from package.json, without a change', () => {
    const before = readFileSync(join(scratch.root, 'tsconfig.json'), 'utf8');
    expect(syncReferences(scratch.root, true)).toEqual([
      join('apps/one/tsconfig.json'),
      join('libs/adapters/three/tsconfig.json'),
      'tsconfig.json',
    ]);
    expect(readFileSync(join(scratch.root, 'tsconfig.json'), 'utf8')).toBe(before);
  });

  it('are written so that the next look finds nothing', () => {
    syncReferences(scratch.root, false);
    expect(syncReferences(scratch.root, true)).toEqual([]);
    expect(JSON.parse(readFileSync(join(scratch.root, 'apps/one/tsconfig.json'), 'utf8'))).toEqual({
      include: ['src'],
      references: [{ path: '../../libs/adapters/three' }, { path: '../../libs/two' }],
    });
  });
});
