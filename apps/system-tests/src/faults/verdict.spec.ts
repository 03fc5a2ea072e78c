import { describe, expect, it } from '@jest/globals';
import { isRed, strictByDefault } from './verdict.ts';

describe('what a run of the fault suite comes to', () => {
  const [passed, failed, skipped] = [{ status: 'passed' }, { status: 'failed' }, { status: 'skipped' }] as const;

  it('is red where a test failed or recovery was late', () => {
    expect(isRed([passed, failed], { late: false, strict: false })).toBe(true);
    expect(isRed([passed], { late: true, strict: false })).toBe(true);
    expect(isRed([passed], { late: false, strict: true })).toBe(false);
  });

  it('is red where a test was skipped only if that is asked for', () => {
    expect(isRed([passed, skipped], { late: false, strict: false })).toBe(false);
    expect(isRed([passed, skipped], { late: false, strict: true })).toBe(true);
  });

  it('asks for it on CI', () => {
    expect(strictByDefault({ CI: 'true' })).toBe(true);
    expect(strictByDefault({ CI: '' })).toBe(false);
    expect(strictByDefault({})).toBe(false);
  });
});
