// The lock names every platform's optional package, at the place npm would look for it.
import { describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { completeLock, driftedManifests, type Lock } from './complete-lock.ts';

const lock = (optionalDependencies: Record<string, string>): Lock => ({
  packages: { '': {}, 'node_modules/tool': { version: '1.0.0', dev: true, optionalDependencies } },
});

describe('the lock file', () => {
  it('gains the platform packages a partial registry left out', () => {
    const incomplete = lock({ '@tool/darwin-arm64': '1.0.0', '@tool/linux-x64-musl': '1.0.0', '@tool/win32-ia32-msvc': '1.0.0' });
    expect(completeLock(incomplete)).toEqual(['@tool/darwin-arm64', '@tool/linux-x64-musl', '@tool/win32-ia32-msvc']);
    expect(incomplete.packages['node_modules/@tool/darwin-arm64']).toEqual({
      version: '1.0.0',
      cpu: ['arm64'],
      dev: true,
      optional: true,
      os: ['darwin'],
    });
    expect(incomplete.packages['node_modules/@tool/linux-x64-musl']).toMatchObject({
      os: ['linux'],
      cpu: ['x64'],
      libc: ['musl'],
    });
    expect(completeLock(incomplete)).toEqual([]);
  });

  it('keeps what it has, beside its owner or further out', () => {
    const complete = lock({ '@tool/linux-x64-gnu': '1.0.0', '@tool/linux-arm64-gnu': '1.0.0' });
    complete.packages['node_modules/@tool/linux-x64-gnu'] = { version: '1.0.0' };
    complete.packages['node_modules/tool/node_modules/@tool/linux-arm64-gnu'] = { version: '1.0.0' };
    expect(completeLock(complete)).toEqual([]);
  });

  it('says so when a missing package does not tell its platform', () => {
    expect(() => completeLock(lock({ mystery: '1.0.0' }))).toThrow('mystery@1.0.0 is missing from package-lock.json');
  });

  it('repeats what every package.json asks for', () => {
    const current: Lock = { packages: { '': {}, 'libs/a': { dependencies: { zod: '4.0.0' } }, 'libs/b': {} } };
    const manifests: Record<string, { dependencies?: Record<string, string> }> = {
      'package.json': {},
      'libs/a/package.json': { dependencies: { zod: '4.0.0' } },
      'libs/b/package.json': { dependencies: { zod: '4.0.0' } },
    };
    expect(driftedManifests(current, (path) => manifests[path], ['libs/a', 'libs/b'])).toEqual([join('libs/b/package.json')]);
  });
});
