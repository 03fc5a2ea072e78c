import { describe, expect, it } from '@jest/globals';
import { FAILPOINTS, armFailpoint, failpoint } from './failpoint.ts';

describe('a failpoint', () => {
  it('does nothing while none is armed', () => {
    for (const name of FAILPOINTS) failpoint(name);
  });

  it.each([
    '',
    'after-append',
    'after-append:0',
    'after-append:x',
    'somewhere:1',
    'after-append:1 ',
    'handle@',
    'handle!a b',
    'handle:m-1',
  ])('called "%s" is refused', (setting) => {
    expect(() => armFailpoint(setting, () => undefined)).toThrow(
      'give <name>:<nth>, <name>@<id> or <name>!<id> with a name of handle, before-append',
    );
  });

  it('acts once, the nth time that its place is passed, and at no other place', () => {
    const acted: string[] = [];
    armFailpoint('after-append:2', (name) => void acted.push(name));
    for (const name of [...FAILPOINTS, ...FAILPOINTS, ...FAILPOINTS]) failpoint(name);
    expect(acted).toEqual(['after-append']);
  });

  it('bound to something acts each time that this comes by, and at nothing else', () => {
    const acted: string[] = [];
    armFailpoint('handle@m-1', (name) => void acted.push(name));
    for (const mission of ['m-1', 'm-2', undefined, 'm-1']) failpoint('handle', mission);
    failpoint('before-ack', 'm-1');
    expect(acted).toEqual(['handle', 'handle']);
  });

  it('may throw as a defect would, instead of ending the process', () => {
    const acted: string[] = [];
    armFailpoint('handle!m-1', (name) => void acted.push(name));
    failpoint('handle', 'm-2');
    for (let times = 0; times < 2; times++) expect(() => failpoint('handle', 'm-1')).toThrow(TypeError);
    expect(acted).toEqual([]);
    // The last to be armed counts; for the specs after this one it is one that is never met.
    armFailpoint('handle:999999', () => undefined);
  });
});
