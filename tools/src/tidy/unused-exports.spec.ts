import { describe, expect, it } from '@jest/globals';
import { unusedExports } from './unused-exports.ts';

const DOORS = new Map([['@baton/x', 'libs/x/src/index.ts']]);
const said = (...files: readonly (readonly [path: string, text: string])[]): string[] =>
  unusedExports(
    files.map(([path, text]) => ({ path, text })),
    DOORS,
  );

describe('an export that nobody imports', () => {
  it('is reported: of a file, of the door of a package', () => {
    expect(said(['libs/x/src/a.ts', 'export const one = 1;\nexport async function two() {}\n'])).toEqual([
      'libs/x/src/a.ts exports one, which no other file imports; keep it to the file, or remove it',
      'libs/x/src/a.ts exports two, which no other file imports; keep it to the file, or remove it',
    ]);
    expect(
      said(
        ['libs/x/src/a.ts', 'export class A {}\nexport class B {}\n'],
        ['libs/x/src/index.ts', "export {\n  A,\n  B,\n} from './a.ts';\n"],
        ['apps/y/src/b.ts', "import { A } from '@baton/x';\n"],
      ),
    ).toEqual(['libs/x/src/index.ts exports B, which no other file imports; keep it to the file, or remove it']);
  });

  it('is none where a file, a spec or a dynamic import takes it, by another name too', () => {
    expect(
      said(
        ['a/one.ts', 'export const one = 1;\nexport const two = 2;\nexport const three = 3;\nexport const four = 4;\n'],
        ['a/two.ts', "import { one as first } from './one.ts';\nimport * as all from './one.ts';\nall.two(first);\n"],
        ['a/one.spec.ts', "import { three } from './one.ts';\n"],
        ['b/late.ts', "const { four } = await import('../a/one.ts');\n"],
      ),
    ).toEqual([]);
  });

  it('is none of a type, which names what a signature says, nor of what only specs are', () => {
    expect(said(['a/one.ts', 'export interface One {}\nexport type Two = 2;\n'])).toEqual([]);
    expect(said(['a/index.ts', "export { type One } from './one.ts';\n"], ['a/test/bench.ts', 'export const x = 1;\n'])).toEqual(
      [],
    );
  });
});
