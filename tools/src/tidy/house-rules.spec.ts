// This repository keeps its house rules, and each rule reports its planted violation.
import { describe, expect, it } from '@jest/globals';
import { appReadme, brokenHouseRules, exactVersions, fileLength, oneDoor, ratchetIsTrue, unfinishedWork } from './house-rules.ts';
import { REPOSITORY } from './scratch.ts';

const none = { files: {}, functions: {} };
const file = (path: string, lines: number): { path: string; text: string } => ({ path, text: 'a;\n'.repeat(lines) });
const workspace = (folder: string, kind: string): Parameters<typeof oneDoor>[0] => ({
  folder,
  kind,
  name: '@baton/x',
  dependencies: [],
});

describe('house rules', () => {
  it('hold in this repository', () => {
    expect(brokenHouseRules(REPOSITORY)).toEqual([]);
  });

  it('a file has at most 300 lines', () => {
    expect(fileLength(file('a.ts', 300), none)).toEqual([]);
    expect(fileLength(file('a.sql', 301), none)).toEqual(['a.sql has 301 lines, 300 are allowed; split it by responsibility']);
    expect(fileLength(file('a.json', 301), none)).toEqual([]);
  });

  it('a file on the ratchet list may only shrink, and its entry with it', () => {
    const listed = { files: { 'a.ts': 310 }, functions: {} };
    expect(fileLength(file('a.ts', 310), listed)).toEqual([]);
    expect(fileLength(file('a.ts', 311), listed)).toHaveLength(1);
    expect(fileLength(file('a.ts', 305), listed)[0]).toContain('lower or remove it');
    expect(ratchetIsTrue({ files: { 'a.ts': 310 }, functions: { 'b.ts#f': 80 } }, ['b.ts'])).toEqual([
      'tools/src/tidy/ratchet.json lists a.ts, which is gone; remove it',
    ]);
  });

  it.each([
    ['TO', 'DO'],
    ['FIX', 'ME'],
    ['XX', 'X'],
  ])('no work is left in a comment: %s%s', (...halves) => {
    expect(unfinishedWork({ path: 'a.ts', text: `ok\n// ${halves.join('')} later\n` })).toEqual([
      'a.ts:2 leaves work in a comment; do it or open an issue',
    ]);
    expect(unfinishedWork({ path: 'deploy/a.yaml', text: `# ${halves.join('')}` })).toHaveLength(1);
    expect(unfinishedWork({ path: 'a.ts', text: `const name = '${halves.join('').toLowerCase()}';` })).toEqual([]);
  });

  it('a library has one door', () => {
    const bus = workspace('libs/bus', 'platform');
    expect(oneDoor(bus, ['libs/bus/src/index.ts', 'libs/business/src/deep/index.ts'])).toEqual([]);
    expect(oneDoor(bus, ['libs/bus/src/index.ts', 'libs/bus/src/deep/index.ts'])).toEqual([
      'libs/bus/src/deep/index.ts is a second door; name the file after what it holds',
    ]);
    expect(oneDoor(bus, ['libs/bus/src/connect.ts'])).toEqual(['libs/bus/src/index.ts is missing; a library is entered there']);
  });

  it('a service says on one screen what it owns, consumes, emits, reads and alerts on', () => {
    const planner = workspace('apps/planner', 'app');
    expect(appReadme(planner, () => '## Owns\n## Consumes\n## Emits\n## Env\n## Alerts\n')).toEqual([]);
    expect(appReadme(planner, () => '| Owns | a |\n| Consumes | b |\n| Emits | c |\n| Env | d |\n')).toEqual([
      'apps/planner/README.md has no "Alerts"; a reader looks for it there',
    ]);
    expect(appReadme(planner, () => undefined)).toHaveLength(1);
    expect(appReadme(workspace('libs/bus', 'platform'), () => undefined)).toEqual([]);
  });

  it('a dependency is pinned to one version', () => {
    const manifest = (version: string): string => JSON.stringify({ dependencies: { zod: version } });
    expect(exactVersions({ path: 'package.json', text: manifest('4.6.7') })).toEqual([]);
    expect(exactVersions({ path: 'package.json', text: manifest('18.4.0-beta.17') })).toEqual([]);
    expect(exactVersions({ path: 'package.json', text: manifest('^4.6.7') })).toEqual([
      'package.json asks for zod@^4.6.7; pin one exact version',
    ]);
  });
});
