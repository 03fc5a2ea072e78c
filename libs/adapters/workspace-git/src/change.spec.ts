import { describe, expect, it } from '@jest/globals';
import { isForbidden, leavesTree, parseDiffTree, parseListing, refusedPaths, type ChangedPath } from './change.ts';

const changed = (path: string, new_mode = '100644', old_mode = '000000'): ChangedPath => ({
  path,
  old_mode,
  new_mode,
  new_id: 'a'.repeat(40),
  insertions: 1,
  deletions: 0,
});
const everything = { write_set: ['**'], write_set_exclude: [] };
const noLinks = (path: string): Promise<string> => Promise.reject(new Error(`${path} is no link`));

describe('paths of a change', () => {
  it('are read with their modes and counts, whatever is in their names', () => {
    const id = 'a'.repeat(40);
    const output = [
      `:000000 100644 ${id} ${id} A`,
      'a\tb',
      `:100644 120000 ${id} ${id} T`,
      'link',
      '3\t1\ta\tb',
      '-\t-\tlink',
      '',
    ].join('\0');
    expect(parseDiffTree(Buffer.from(output))).toEqual([
      { path: 'a\tb', old_mode: '000000', new_mode: '100644', new_id: id, insertions: 3, deletions: 1 },
      { path: 'link', old_mode: '100644', new_mode: '120000', new_id: id, insertions: 0, deletions: 0 },
    ]);
  });

  it('of the index are told from what is not in it', () => {
    const id = 'b'.repeat(40);
    expect(
      parseListing(Buffer.from([`100644 ${id} 0\ta`, `160000 ${id} 0\tvendor/lib`, 'new file', 'nested/', ''].join('\0'))),
    ).toEqual({ gitlinks: ['vendor/lib'], others: ['new file', 'nested/'] });
  });

  it('outside the write-set are all refused, dot files included in it', async () => {
    const paths = [changed('docs/a.md'), changed('docs/.hidden/b'), changed('src/c'), changed('docs/secret/d')];
    expect(await refusedPaths(paths, { write_set: ['docs/**'], write_set_exclude: ['docs/secret/**'] }, noLinks)).toEqual([
      'src/c',
      'docs/secret/d',
    ]);
  });

  it('do not become "everything but" by an exclamation mark in the write-set', async () => {
    expect(await refusedPaths([changed('src/c')], { write_set: ['!docs/**'], write_set_exclude: [] }, noLinks)).toEqual([
      'src/c',
    ]);
  });

  it('that git itself obeys, and links to commits, are refused whatever the write-set says', async () => {
    const paths = [
      changed('.gitmodules'),
      changed('sub/.gitattributes'),
      changed('vendor', '160000'),
      changed('was', '100644', '160000'),
      changed('.gitignore'),
      changed('.github/x.yml'),
    ];
    expect(await refusedPaths(paths, everything, noLinks)).toEqual(['.gitmodules', 'sub/.gitattributes', 'vendor', 'was']);
  });

  it.each(['../a', 'a/../b', '/etc/passwd', 'a//b', './a', '.git/config', 'a/.GIT/hooks/x', 'a\\b', 'a\nb', 'a\uFFFDb', ''])(
    'like %j are forbidden',
    (path) => {
      expect(isForbidden(path)).toBe(true);
    },
  );
});

describe('a symbolic link', () => {
  it.each([
    ['link', 'file'],
    ['a/b/link', '../../file'],
    ['a/link', '../b/c'],
    ['link', './a//b'],
    ['a/link', '..'],
  ])('%s -> %s stays inside', (path, target) => {
    expect(leavesTree(path, target)).toBe(false);
  });
  it.each([
    ['link', '/etc/passwd'],
    ['link', '..'],
    ['a/link', '../../outside'],
    ['link', 'other-link/../../outside'],
    ['a/b/link', '../c/..'],
    ['link', '.git/config'],
    ['link', ''],
  ])('%s -> %s leaves the tree or could', (path, target) => {
    expect(leavesTree(path, target)).toBe(true);
  });

  it('that leaves the tree is refused', async () => {
    const target = (path: string): Promise<string> => Promise.resolve(path === 'bad' ? '../outside' : 'inside');
    expect(await refusedPaths([changed('bad', '120000'), changed('good', '120000')], everything, target)).toEqual(['bad']);
  });
});
