import { describe, expect, it } from '@jest/globals';
import { FAILPOINTS, armFailpoint, failpoint } from './failpoint.ts';

describe('a failpoint', () => {
  it('does nothing while none is armed', () => {
    for (const name of FAILPOINTS) failpoint(name);
  });

  it.each(['', 'after-append', 'after-append:0', 'after-append:x', 'somewhere:1', 'after-append:1 '])(
    'called "%s" is refused',
    (setting) => {
      expect(() => armFailpoint(setting, () => undefined)).toThrow('give <name>:<nth> with a name of before-append');
    },
  );

  it('acts once, the nth time that its place is passed, and at no other place', () => {
    const acted: string[] = [];
    armFailpoint('after-append:2', (name) => void acted.push(name));
    for (const name of [...FAILPOINTS, ...FAILPOINTS, ...FAILPOINTS]) failpoint(name);
    expect(acted).toEqual(['after-append']);
  });
});
