import { describe, expect, it } from '@jest/globals';
import { duration, harmless, oneLine, plainLength, table } from './format.ts';

describe('what a person reads', () => {
  it('tells durations in the unit that fits', () => {
    expect([420, 12_340, 245_000, 12_000_000, 187_000_000].map(duration)).toEqual([
      '0.42 s',
      '12.3 s',
      '4 m 05 s',
      '3 h 20 m',
      '2 d 3 h',
    ]);
  });

  it('tells what is overdue as negative', () => {
    expect(duration(-1_500)).toBe('-1.50 s');
  });

  it('lines columns up by what is seen, not by colour codes', () => {
    const lines = table(
      ['id', 'status'],
      [
        ['\u001B[1ma\u001B[22m', 'x'],
        ['bbb', 'y'],
      ],
    ).split('\n');
    expect(lines.slice(1).map((line) => plainLength(line.slice(0, line.search(/[xy]$/))))).toEqual([5, 5]);
  });

  it('lets no text from outside move the cursor, ring the bell or begin a line', () => {
    expect(harmless('a\u001B[2Jb\u0007\rc')).toBe('a<U+001B>[2Jb<U+0007><U+000D>c');
    expect(oneLine('a\n\n  b\tc')).toBe('a b c');
  });

  it('shortens what is long, and says so', () => {
    expect(oneLine('abcdef', 4)).toBe('abc…');
  });
});
