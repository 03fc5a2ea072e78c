/**
 * Text in the value of a header, and one text however it came. ASCII stands for itself; anything else is UTF-8, either as bytes or,
 * as RFC 8187 writes it, `UTF-8''Jos%C3%A9`. Without that mark a percent sign is a percent sign.
 */
const MARK = /^utf-8'[a-z0-9-]*'/i;
const PLAIN = /^[\x20-\x7e]*$/;
/** What no header may carry as it is: neither may it come in by its code. */
const CONTROL = /\p{Cc}/u;

export const encodeHeaderText = (text: string): string =>
  PLAIN.test(text) && !MARK.test(text) ? text : `UTF-8''${encodeURIComponent(text)}`;

/** Null = it is no UTF-8, or has control characters in it. `value` has one character for each byte, as Node gives it. */
export function decodeHeaderText(value: string): string | null {
  const marked = MARK.exec(value)?.[0];
  if (marked === undefined && PLAIN.test(value)) return value;
  const encoded = marked === undefined ? value.replaceAll(/[^\x21-\x24\x26-\x7e]/g, escaped) : value.slice(marked.length);
  try {
    const text = decodeURIComponent(encoded);
    return CONTROL.test(text) || (marked !== undefined && !PLAIN.test(encoded)) ? null : text;
  } catch {
    // Percent signs without two digits, or bytes that are no UTF-8.
    return null;
  }
}

const HEX = 16;
const escaped = (byte: string): string => `%${byte.charCodeAt(0).toString(HEX).padStart(2, '0')}`;
