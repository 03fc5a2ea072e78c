import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readMissionFile } from './mission-file.ts';

describe('a mission file', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'baton-file-'));
    mkdirSync(join(directory, 'agents'));
    writeFileSync(join(directory, 'agents', 'one.mjs'), '');
  });
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  const read = (text: string, repository?: string): unknown => {
    const file = join(directory, 'mission.yaml');
    writeFileSync(file, text);
    return readMissionFile(file, { repository });
  };

  it('may be YAML or JSON', () => {
    expect(read('title: a\nrisk: low')).toEqual(read('{"title": "a", "risk": "low"}'));
  });

  it('names the repository relative to itself', () => {
    expect(read('repository: { url: ../shop, target: main }')).toEqual({
      repository: { url: join(directory, '..', 'shop'), target: 'main' },
    });
  });

  it.each([
    'https://example.org/shop.git',
    'ssh://git@example.org/shop',
    'git@example.org:shop.git',
    'file:///srv/shop',
    '/srv/shop',
  ])('leaves %s as it is', (url) => {
    expect(read(`repository: { url: "${url}" }`)).toEqual({ repository: { url } });
  });

  it('is used for another repository where one is named on the command line', () => {
    expect(read('repository: { url: ./a, target: trunk }', '/srv/b')).toEqual({ repository: { url: '/srv/b', target: 'trunk' } });
    expect(read('title: without', '/srv/b')).toEqual({ title: 'without', repository: { url: '/srv/b' } });
  });

  it('finds its agent beside itself, and leaves words that are no files', () => {
    expect(read('agent: { command: [node, ./agents/one.mjs, ./nothing, --fast] }')).toEqual({
      agent: { command: ['node', join(directory, 'agents', 'one.mjs'), './nothing', '--fast'] },
    });
  });

  it('leaves what is wrong for intake to name', () => {
    expect(read('repository: 7\nagent: none')).toEqual({ repository: 7, agent: 'none' });
    expect(read('- just\n- a list')).toEqual(['just', 'a list']);
  });

  it('names the line of every mistake of syntax', () => {
    expect(() => read('title: "a\nrisk: [low')).toThrow(/is no YAML or JSON:\n.*line \d/s);
    expect(() => read('title: a\ntitle: b')).toThrow(/unique/);
  });
});
