import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeHeaderText, encodeHeaderText } from './header-text.ts';

/** As it looks to a server when a client sends the bytes of the text. */
const asBytes = (text: string, encoding: 'utf8' | 'latin1'): string => Buffer.from(text, encoding).toString('latin1');

describe('text in a header', () => {
  it('is the same text after it was encoded, sent as ASCII and decoded', () => {
    const text = fc
      .oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }))
      .filter((given) => !/\p{Cc}/u.test(given));
    fc.assert(
      fc.property(text, (given) => {
        const sent = encodeHeaderText(given);
        expect(sent).toMatch(/^[\x20-\x7e]*$/);
        expect(decodeHeaderText(sent)).toBe(given);
        expect(decodeHeaderText(asBytes(given, 'utf8'))).toBe(/^utf-8''/i.test(given) ? decodeHeaderText(given) : given);
      }),
    );
  });

  it('stands for itself where it is ASCII, percent signs too', () => {
    for (const text of ['ada', '100%', 'a%20b', 'Jos%C3%A9', "it's", ''])
      expect([encodeHeaderText(text), decodeHeaderText(text)]).toEqual([text, text]);
    expect(decodeHeaderText(encodeHeaderText("utf-8''a%20b"))).toBe("utf-8''a%20b");
  });

  it('is read as RFC 8187 writes it, with a language or without', () => {
    for (const value of ["UTF-8''Jos%C3%A9", "utf-8'pt-BR'Jos%c3%a9", asBytes('José', 'utf8')])
      expect(decodeHeaderText(value)).toBe('José');
  });

  it.each([
    ['bytes of latin1', asBytes('José', 'latin1')],
    ['an encoded byte of latin1', "UTF-8''Jos%E9"],
    ['half of an escape', "UTF-8''Jos%C3%A"],
    ['a percent sign alone', "UTF-8''100%"],
    ['half of a character', "UTF-8''%ED%A0%80"],
    ['more bytes than a character needs', "UTF-8''%C0%AF"],
    ['a line break', "UTF-8''ada%0D%0Aeve"],
    ['NUL', "UTF-8''a%00"],
    ['a control character in bytes', asBytes('a\u0085b', 'utf8')],
    ['both encodings at once', `UTF-8''${asBytes('é', 'utf8')}`],
  ])('is none where it is %s', (_name, value) => {
    expect(decodeHeaderText(value)).toBeNull();
  });
});
