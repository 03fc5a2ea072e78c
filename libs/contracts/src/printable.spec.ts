import { describe, expect, it } from '@jest/globals';
import { printable, printableJson } from './printable.ts';

const HOSTILE: readonly (readonly [string, string, string])[] = [
  ['an escape sequence', '\u001B[2J', '<U+001B>[2J'],
  ['a title or a link that a terminal is told', '\u001B]0;x\u0007', '<U+001B>]0;x<U+0007>'],
  ['the same in one character', '\u009B2J', '<U+009B>2J'],
  ['going back to the beginning of the line', 'a\rb', 'a<U+000D>b'],
  ['taking back what was written', 'evil\b\b\b\bgood\u007F', 'evil<U+0008><U+0008><U+0008><U+0008>good<U+007F>'],
  ['a change of direction', 'a\u202Eb\u2066c\u2069', 'a<U+202E>b<U+2066>c<U+2069>'],
  ['no width', 'pay\u200Bpal\uFEFF', 'pay<U+200B>pal<U+FEFF>'],
  ['letters that only machines read', 'a\u{E0041}', 'a<U+E0041>'],
  ['a filler that is a letter to programs', 'const \u3164 = 1', 'const <U+3164> = 1'],
  ['a line break that is none', 'a\u2028b\u2029c\u0085d', 'a<U+2028>b<U+2029>c<U+0085>d'],
  ['a null', 'a\0b', 'a<U+0000>b'],
];

describe('what others wrote', () => {
  it.each(HOSTILE)('is shown as what it is: %s', (_name, text, shown) => {
    expect(printable(text)).toBe(shown);
    const json = printableJson({ text });
    expect(printable(json)).toBe(json);
    expect(JSON.parse(json)).toEqual({ text });
  });

  it('stays as it is where everything in it is seen', () => {
    const text = 'const greeting = "Grüß Gott, 世界, שלום 🎉";\n\treturn;\n';
    expect(printable(text)).toBe(text);
    expect(JSON.parse(printableJson([text]))).toEqual([text]);
  });
});
