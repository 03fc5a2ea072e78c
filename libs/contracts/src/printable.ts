/** What others wrote, made fit to be looked at: nothing in it acts on a terminal, is invisible, or turns the order of letters around. */

/**
 * Control characters but tab and line break, and everything that shows nothing or changes how its neighbours are shown: bidi
 * controls, characters of no width, tags, soft hyphens, fillers, separators that some programs take for a line break.
 */
const UNSEEN = /[^\P{Cc}\t\n]|[\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const HEX_DIGITS_MIN = 4;

/** The text with each of them as what it is, `<U+202E>`. */
export const printable = (text: string): string =>
  text.replaceAll(
    UNSEEN,
    (character) => `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(HEX_DIGITS_MIN, '0')}>`,
  );

/** The same value in JSON, with each of them as an escape. */
export const printableJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(UNSEEN, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(HEX_DIGITS_MIN, '0')}`,
    ).join(''),
  );
