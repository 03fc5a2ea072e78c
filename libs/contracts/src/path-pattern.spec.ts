import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pathMatcher, pathPatternSchema, patternFault } from './path-pattern.ts';

const fits = (pattern: string, path: string): boolean => pathMatcher([pattern])(path);
const PATTERN_CHARS_MAX = 300;
/** What systems take as a path, and as one name of it. */
const PATH_CHARS_MAX = 4_096;
const NAME_CHARS_MAX = 255;
const MATCH_MS_MAX = 50;
const filled = (unit: string, chars: number): string => unit.repeat(Math.ceil(chars / unit.length)).slice(0, chars);

describe('a path pattern', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['src/a.ts', ['src/a.ts'], ['src/a-ts', 'src/a.tsx', 'SRC/a.ts', 'src', 'src/a.ts/b']],
    ['src/*.ts', ['src/a.ts', 'src/.ts', 'src/.a.ts', 'src/a.b.ts'], ['src/a/b.ts', 'a.ts', 'src/a.tsx']],
    ['*a*b', ['ab', 'xaxb', 'aabb'], ['ba', 'a/b', 'abc']],
    ['?.md', ['a.md', '..md'], ['.md', 'ab.md', '/.md']],
    ['**', ['a', 'a/b', '.github/workflows/ci.yml'], []],
    ['src/**', ['src/a', 'src/a/b', 'src/.a'], ['srcs/a', 'a/src/b']],
    ['**/test/**/*.ts', ['test/a.ts', 'x/test/a.ts', 'x/y/test/z/w/a.ts'], ['tests/a.ts', 'test/a.js']],
    ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b', 'a/b/b'], ['a/xb', 'ab', 'a/b/c']],
    ['a**b', ['ab', 'axxb'], ['a/b', 'a/x/b']],
    ['packages/@scope/+page.svelte', ['packages/@scope/+page.svelte'], ['packages/scope/page.svelte']],
    ['a+.$^', ['a+.$^'], ['aa', 'aaxx']],
  ])('%s fits what it says and nothing else', (pattern, those, others) => {
    expect(patternFault(pattern)).toBeNull();
    expect(those.filter((path) => !fits(pattern, path))).toEqual([]);
    expect(others.filter((path) => fits(pattern, path))).toEqual([]);
  });

  it('fits exactly what trying every way finds', () => {
    const name = (units: readonly string[]) =>
      fc.array(fc.constantFrom(...units), { minLength: 1, maxLength: 5 }).map((all) => all.join(''));
    const path = (names: fc.Arbitrary<string>) => fc.array(names, { minLength: 1, maxLength: 5 }).map((all) => all.join('/'));
    const patterns = path(fc.oneof(fc.constant('**'), name(['a', 'b', '*', '?'])));
    fc.assert(
      fc.property(patterns, path(name(['a', 'b'])), (pattern, given) => {
        expect(fits(pattern, given)).toBe(inEveryWay(pattern.split('/'), given.split('/')));
      }),
      { numRuns: 3_000 },
    );
  });

  const HOSTILE = [
    `${filled('*a', PATTERN_CHARS_MAX - 1)}b`,
    `${filled('**/', PATTERN_CHARS_MAX - 3)}x`,
    `${filled('**/a/', PATTERN_CHARS_MAX - 1)}b`,
    `${filled('**/*a*/', PATTERN_CHARS_MAX - 1)}b`,
    `${filled('*a*/', PATTERN_CHARS_MAX - 1)}b`,
    `**/*${filled('a', PATTERN_CHARS_MAX - 5)}b`,
    `**/*${filled('?', PATTERN_CHARS_MAX - 5)}b`,
    filled('*?', PATTERN_CHARS_MAX),
    '+(+(a))b',
    '*(*(a)c)b',
    '{a,aa}{a,aa}{a,aa}{a,aa}{a,aa}{a,aa}{a,aa}{a,aa}{a,aa}{a,aa}b',
    filled('[a]+', PATTERN_CHARS_MAX),
  ];
  it.each(HOSTILE)('is matched at once against the longest paths: %.40s', (pattern) => {
    expect(pathPatternSchema.safeParse(pattern).success).toBe(true);
    const paths = ['a/', `${filled('a', NAME_CHARS_MAX)}/`, 'a'].map((unit) => filled(unit, PATH_CHARS_MAX - 1));
    const matches = pathMatcher([pattern]);
    for (const path of paths) {
      // The best of three: what else the machine does in between is not meant.
      const took = [1, 2, 3].map(() => {
        const began = performance.now();
        matches(`${path}c`);
        return performance.now() - began;
      });
      expect(Math.min(...took)).toBeLessThan(MATCH_MS_MAX);
    }
  });

  it.each([
    '.github/**',
    '.github/workflows/ci.yml',
    '.gitignore',
    '.gitlab-ci.yml',
    '.gitea/x',
    'docs/.gitkeep',
    '**/*.ts',
    'a/...',
    '.*/x',
  ])('%s may be asked for', (pattern) => {
    expect([pathPatternSchema.safeParse(pattern).success, patternFault(pattern)]).toEqual([true, null]);
  });

  it.each([
    ...[
      '.git',
      '.git/**',
      '.git/hooks/x',
      'a/.git/x',
      '.GIT/x',
      '.git./x',
      '.git /x',
      '.git::$INDEX/x',
      '.g\u200cit/x',
      'git~1/x',
    ],
    ...['src/{a,b}/**', '+(a|b)', '@(a)', 'src/[ab].ts', '(a|b)', 'a|b', 'a\\*', '!docs/**', '!(a)'],
    ...['./src/**', 'src//a', 'src/', 'src/./a'],
  ])('%s may not be, and what to write is said', (pattern) => {
    const said = expect.stringMatching(/\S/) as unknown;
    expect(patternFault(pattern)).toEqual({ problem: said, fix: said });
  });
});

/** The same by definition: every number of things that a `*` or `**` may take is tried. */
function inEveryWay(patterns: readonly string[], names: readonly string[]): boolean {
  const tried = (
    row: readonly string[],
    things: readonly string[],
    many: string,
    one: (pattern: string, thing: string) => boolean,
  ): boolean => {
    const [first, ...rest] = row;
    const [thing, ...others] = things;
    if (first === undefined) return thing === undefined;
    if (first === many) return [...things, ''].some((_, taken) => tried(rest, things.slice(taken), many, one));
    return thing !== undefined && one(first, thing) && tried(rest, others, many, one);
  };
  const characters = (pattern: string, character: string): boolean => pattern === '?' || pattern === character;
  return tried(patterns, names, '**', (pattern, name) => tried(pattern.split(''), name.split(''), '*', characters));
}
