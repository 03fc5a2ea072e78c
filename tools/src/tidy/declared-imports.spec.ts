// package.json and imports agree: each way in which they may differ is planted and reported. That they agree in this repository is
// among the house rules.
import { describe, expect, it } from '@jest/globals';
import { importedPackages, importsThatDiffer, undeclaredAndUnused, type Manifest } from './declared-imports.ts';
import { createScratch } from './scratch.ts';

const planner = { folder: 'apps/planner', name: '@baton/planner', kind: 'app' };
const surroundings = {
  forSpecs: ['@jest/globals', '@baton/testing'],
  installed: (name: string): Manifest => (name === '@nestjs/common' ? { peerDependencies: { rxjs: '^7.1.0' } } : {}),
};
const problems = (manifest: Manifest, code: string, spec = ''): string[] =>
  undeclaredAndUnused(
    planner,
    manifest,
    [
      { path: 'apps/planner/src/main.ts', text: code },
      { path: 'apps/planner/test/main.int.spec.ts', text: spec },
    ],
    surroundings,
  );

describe('what a package imports and what its package.json names', () => {
  it('is the packages of all kinds of imports, and nothing that only looks like one', () => {
    // Not written out, so that this file has no such import itself.
    const dynamic = 'five';
    const text = [
      "import { a } from 'one';",
      'import type {',
      '  B,',
      "} from '@scope/two/deep';",
      "export { c } from 'three';",
      "import 'four';",
      `const five = await import('${dynamic}');`,
      "import { join } from 'node:path';",
      "import fs from 'fs';",
      "import { own } from './six.ts';",
      `const planted = "import 'seven';";`,
      "const sql = `select x from 'eight'`;",
    ].join('\n');
    expect([...importedPackages(text)]).toEqual(['one', '@scope/two', 'three', 'four', 'five']);
  });

  it('agree where each is named for what imports it', () => {
    const manifest = {
      dependencies: { '@nestjs/common': '1.0.0', rxjs: '1.0.0', zod: '1.0.0' },
      devDependencies: { pg: '1.0.0', '@types/pg': '1.0.0' },
    };
    const code = "import { Module } from '@nestjs/common';\nconst zod = require.resolve('zod/package.json');\n";
    const spec =
      "import { it } from '@jest/globals';\nimport { eventually } from '@baton/testing';\nimport pg from 'pg';\nimport '@baton/planner';\n";
    expect(problems(manifest, code, spec)).toEqual([]);
  });

  it.each<[string, Manifest, string, string, string]>([
    ['code needs', {}, "import 'pg';\n", '', 'does not name pg, which its code imports; add it to dependencies'],
    [
      'code needs, not only specs',
      { devDependencies: { pg: '1.0.0' } },
      "import 'pg';\n",
      '',
      'does not name pg, which its code',
    ],
    ['code needs, as a type', {}, "import type { Pool } from 'pg';\n", '', 'does not name pg, which its code imports'],
    ['code needs, although specs have it', {}, "import '@baton/testing';\n", '', 'does not name @baton/testing'],
    ['specs need', {}, '', "import 'pg';\n", 'does not name pg, which its specs import; add it to devDependencies'],
  ])('differ where %s what is not named', (_, manifest, code, spec, problem) => {
    expect(problems(manifest, code, spec)).toContainEqual(expect.stringContaining(problem));
  });

  it.each<[string, Manifest, string]>([
    ['nobody needs', { dependencies: { lodash: '1.0.0' } }, 'names lodash, which nothing in it imports; remove it'],
    ['no spec needs', { devDependencies: { lodash: '1.0.0' } }, 'names lodash, which nothing in it imports; remove it'],
    ['only specs need', { dependencies: { pg: '1.0.0' } }, 'names pg among dependencies, and only specs import it; move it'],
    ['is of another', { devDependencies: { '@types/lodash': '1.0.0' } }, 'names @types/lodash, which nothing in it imports'],
    ['is a peer of nothing used', { dependencies: { '@nestjs/common': '1.0.0', rxjs: '1.0.0' } }, 'names rxjs, which nothing'],
  ])('differ where something is named that %s', (_, manifest, problem) => {
    expect(
      problems({ ...manifest, devDependencies: { pg: '1.0.0', ...manifest.devDependencies } }, '', "import 'pg';\n"),
    ).toContainEqual(expect.stringContaining(problem));
  });

  it('are compared for every package, each by its own files', () => {
    const scratch = createScratch();
    const packageOf = (name: string, more: object = {}): string => JSON.stringify({ name, nx: { tags: ['kind:app'] }, ...more });
    const files = {
      'package.json': '{ "workspaces": ["apps/*"], "devDependencies": { "jest": "1.0.0" } }',
      'apps/one/package.json': packageOf('@baton/one', { dependencies: { pg: '1.0.0' } }),
      'apps/one/src/main.spec.ts': "import 'jest';\n",
      'apps/one/peers/package.json': '{ "name": "peers" }',
      'apps/one/peers/src/main.ts': "import 'pg';\n",
      'apps/two/package.json': packageOf('@baton/two'),
      'apps/two/src/main.ts': "import '@baton/one';\n",
    };
    scratch.write(files);
    expect(
      importsThatDiffer(
        scratch.root,
        Object.entries(files).map(([path, text]) => ({ path, text })),
      ),
    ).toEqual([
      'apps/one/package.json names pg, which nothing in it imports; remove it',
      'apps/two/package.json does not name @baton/one, which its code imports; add it to dependencies',
    ]);
    scratch.remove();
  });
});
