import { describe, expect, it } from '@jest/globals';
import { writable } from './write-set.ts';

const may = (write_set: readonly string[], write_set_exclude: readonly string[], path: string): boolean =>
  writable({ write_set, write_set_exclude })(path);

describe('a write-set', () => {
  it('holds what it includes and does not exclude, dot files too', () => {
    const paths = ['docs/a.md', 'docs/.hidden/b', 'src/c', 'docs/secret/d', 'docs-old/e'];
    expect(paths.filter(writable({ write_set: ['docs/**'], write_set_exclude: ['docs/secret/**'] }))).toEqual([
      'docs/a.md',
      'docs/.hidden/b',
    ]);
  });

  it('takes an exclamation mark for a character: it neither opens nor closes the rest', () => {
    expect(may(['!docs/**'], [], 'src/c')).toBe(false);
    expect(may(['**'], ['!docs/**'], 'src/c')).toBe(true);
    expect(may(['**'], ['!docs/**'], '!docs/c')).toBe(false);
  });

  it('of which a pattern can be read in two ways lets nothing be written by it', () => {
    expect(may(['src/[ab].ts', 'docs/**'], [], 'src/a.ts')).toBe(false);
    expect(may(['src/[ab].ts', 'docs/**'], [], 'src/[ab].ts')).toBe(false);
    expect(may(['src/[ab].ts', 'docs/**'], [], 'docs/a')).toBe(true);
    expect(may(['**'], ['config/{a,b}.yaml'], 'docs/a')).toBe(false);
  });

  it('without patterns holds nothing', () => {
    expect(may([], [], 'a')).toBe(false);
  });
});
