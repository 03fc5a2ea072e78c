import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson } from './canonical-json.ts';
import { JSON_DEPTH_MAX, UnfitJson, readOutsideJson } from './outside-json.ts';

const faultsOf = (text: string): readonly (readonly [string, string])[] => {
  try {
    readOutsideJson(text);
  } catch (error) {
    if (error instanceof UnfitJson) return error.faults.map(({ field, problem }) => [field, problem]);
    throw error;
  }
  return [];
};
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

describe('JSON from outside', () => {
  it.each<[string, string, string, RegExp]>([
    ['a name twice', '{"a":{"b":1,"b":2}}', 'a.b', /twice/],
    ['a name twice, once in disguise', String.raw`{"ab":1,"\u0061b":2}`, 'ab', /twice/],
    ['__proto__', '{"a":[{"__proto__":{"x":1}}]}', 'a[0].__proto__', /name/],
    ['__proto__ in disguise', String.raw`{"\u005f_proto__":1}`, '__proto__', /name/],
    ['constructor', '{"constructor":{"prototype":{}}}', 'constructor', /name/],
    ['NUL', String.raw`{"a":["x","\u0000"]}`, 'a[1]', /NUL/],
    ['NUL in a name', String.raw`{"\u0000":1}`, '\uFFFD', /NUL/],
    ['half a character', String.raw`{"a":"\ud800"}`, 'a', /surrogate/],
    ['half a character in a name', String.raw`{"\udc00":1}`, '\uFFFD', /surrogate/],
    ['a number without end', '{"a":1e400}', 'a', /exactly/],
    ['a negative one', '{"a":[1,-1e400]}', 'a[1]', /exactly/],
    ['twenty digits', '{"a":12345678901234567890}', 'a', /exactly/],
    ['nesting', `{"a":${nested(20_000)}}`, `a${'[0]'.repeat(JSON_DEPTH_MAX)}`.slice(0, 200), /deeper/],
    ['nesting that never ends', '['.repeat(500_000), '[0]'.repeat(JSON_DEPTH_MAX + 1).slice(0, 200), /deeper/],
    ['no JSON', '{"a":', '(body)', /not JSON/],
    ['nothing', '', '(body)', /not JSON/],
    ['two documents', '{} {}', '(body)', /not JSON/],
  ])('is refused with %s, by field', (_what, text, field, problem) => {
    expect(faultsOf(text).slice(0, 1)).toEqual([[field, expect.stringMatching(problem)]]);
  });

  it('says all that is wrong at once', () => {
    expect(faultsOf('{"a":1e400,"b":{"c":1,"c":1},"__proto__":0}').map(([field]) => field)).toEqual(['a', 'b.c', '__proto__']);
  });

  it('means what it says when nothing is wrong with it', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8, stringUnit: 'grapheme' }), (text) => {
        fc.pre(faultsOf(text).length === 0);
        expect(readOutsideJson(text)).toEqual(JSON.parse(text));
      }),
    );
    expect(readOutsideJson(nested(JSON_DEPTH_MAX))).toEqual(JSON.parse(nested(JSON_DEPTH_MAX)));
    expect(readOutsideJson(String.raw`{"a\"{":"[,\\","b":[-0.5e-3,9007199254740991,true,null]}`)).toEqual({
      'a"{': '[,\\',
      b: [-0.5e-3, 9_007_199_254_740_991, true, null],
    });
  });

  it('is read or refused, whatever it is: never anything else', () => {
    const soup = fc.array(
      fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        '\\',
        String.raw`\u`,
        '"a"',
        'd800',
        '0',
        '1e400',
        '-',
        'true',
        ' ',
        '\0',
        '\ud800',
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(soup, (parts) => void faultsOf(parts.join(''))),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => void faultsOf(text)),
      { numRuns: 1_000 },
    );
  });

  it('finds each thing that is planted anywhere in a sound document', () => {
    const planted = fc.constantFrom(
      '1e999',
      '99999999999999999999',
      String.raw`"\u0000"`,
      String.raw`"\udfff"`,
      '{"x":1,"x":1}',
      '{"__proto__":1}',
    );
    fc.assert(
      fc.property(fc.array(fc.constantFrom('[', '{"k":'), { maxLength: 20 }), planted, (around, fault) => {
        const text =
          around.join('') +
          fault +
          around
            .toReversed()
            .map((open) => (open === '[' ? ']' : '}'))
            .join('');
        expect(faultsOf(text)).toHaveLength(1);
      }),
    );
  });
});

describe('the canonical text', () => {
  it('is the same for the same value, whatever the order of its names, and means the value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(JSON.parse(canonicalJson(value)))).toBe(canonicalJson(value));
      }),
    );
    expect(canonicalJson({ b: [undefined, { d: undefined, c: 1 }], a: 'é\u0000' })).toBe(
      String.raw`{"a":"é\u0000","b":[null,{"c":1}]}`,
    );
  });

  it('exists for whatever depth and length', () => {
    expect(canonicalJson(JSON.parse(nested(200_000)))).toBe(nested(200_000));
    let deep: object = {};
    for (let level = 0; level < 100_000; level++) deep = { a: deep };
    expect(canonicalJson(deep)).toHaveLength(100_000 * 6 + 2);
    expect(canonicalJson(Array.from({ length: 300_000 }, () => 1))).toHaveLength(600_001);
  });
});
