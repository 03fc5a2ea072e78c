import { stripVTControlCharacters } from 'node:util';
import type { DataOf, EventRecord } from '@baton/contracts';
import { openGate, policy } from '@baton/testing';
import { describe, expect, it } from '@jest/globals';
import { printCard } from './gates.ts';

const { card, mission_id, revision, content_digest, requested_by } = openGate(null);
type Opened = EventRecord & { readonly type: 'GateOpened'; readonly data: DataOf<'GateOpened'> };
const shown = (of: Partial<typeof card>): string => {
  const data = { mission_id, revision, content_digest, requested_by, policy, card: { ...card, ...of }, expires_after_ms: 60_000 };
  return printCard({ type: 'GateOpened', data } as Opened);
};
const text = (of: Partial<typeof card>): string => stripVTControlCharacters(shown(of));
const fifty = Array.from({ length: 50 }, (_, nth) => `a/${String(nth)}.md`);

describe('a decision card on the terminal', () => {
  it('says how many files there are that it does not name, and how to see them', () => {
    const said = text({ files: fifty, files_total: 51 });
    expect(said).toMatch(/change +51 files, \+10 −1/);
    expect(said).toContain('a/49.md');
    expect(said).toContain('… and 1 more');
    expect(said).toContain('baton diff m-1.1');
  });

  it('does not speak of more where it names all', () => {
    for (const files_total of [2, undefined]) {
      const said = text({ files: ['a', 'b'], ...(files_total === undefined ? {} : { files_total }) });
      expect(said).toMatch(/change +2 files, /);
      expect(said).not.toContain('more');
    }
  });

  it('does not take the first fifty for all, where an older release wrote it', () => {
    const said = text({ files: fifty });
    expect(said).toMatch(/change +50 files or more, /);
    expect(said).toContain('… and perhaps more');
  });

  it('lets no name of a file act on the terminal', () => {
    expect(shown({ files: ['z/\u001B[1A\u001B[2Kevil\u202Ehs.sh'] })).toContain('z/<U+001B>[1A<U+001B>[2Kevil<U+202E>hs.sh');
  });
});
