import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Workspace } from '@baton/ports';
import { ownerGit, writeFiles } from '@baton/testing';
import type { GitWorkspaces } from '../src/index.ts';
import { makeRepository, type TestRepository } from './repository.ts';

const ALL = { write_set: ['**'], write_set_exclude: [], output: null, message: 'A change' };

describe('attributes of a repository', () => {
  let repository: TestRepository;
  let provider: GitWorkspaces;
  beforeEach(async () => {
    repository = await makeRepository();
    provider = repository.workspaces('root');
  });
  afterEach(() => repository.dispose());

  const open = async (): Promise<Workspace & { readonly directory: string }> => {
    const base = { repository: { url: repository.bare, target: 'main' }, inputs: [] };
    const workspace = await provider.open({ name: 'task', base, signal: new AbortController().signal });
    const { directory } = workspace;
    if (directory === null) throw new Error('a git workspace has a directory');
    return { ...workspace, directory };
  };
  const CRLF = { 'win.txt': 'one\r\ntwo\r\n', 'sql/mixed.sql': 'select 1;\r\nselect 2;\n', 'id.c': '$Id: of another $\n' };
  /** As in a repository that got its attributes after its files. */
  const NORMALISING = { '.gitattributes': '*.txt text\n*.sql text eol=lf\n*.c ident\n' };
  /** Content first, so that it is committed as it is. */
  const committed = async (): Promise<void> => {
    await repository.commitElsewhere(CRLF);
    await repository.commitElsewhere(NORMALISING);
  };

  it('change no file that the agent did not touch, nor what is said to it of them', async () => {
    await committed();
    const workspace = await open();
    expect(await ownerGit(workspace.directory, 'status', '--porcelain')).toBe('');
    for (const [path, text] of Object.entries(CRLF)) expect(await readFile(join(workspace.directory, path), 'utf8')).toBe(text);
    await writeFiles(workspace.directory, { 'app.js': 'x\n' });
    expect(await workspace.collect({ ...ALL, write_set: ['app.js'] })).toMatchObject({
      status: 'collected',
      change: { files: ['app.js'] },
    });
  });

  it('leave what the agent wrote as it wrote it, and it fits where it is applied', async () => {
    await committed();
    const workspace = await open();
    await writeFiles(workspace.directory, { 'win.txt': 'one\r\nTWO\r\n' });
    const collected = await workspace.collect(ALL);
    if (collected.status !== 'collected') throw new Error(`it was ${collected.status}`);
    expect(collected.change.files).toEqual(['win.txt']);
    const applied = await open();
    await applied.apply(collected.change.artifact);
    expect(await readFile(join(applied.directory, 'win.txt'), 'utf8')).toBe('one\r\nTWO\r\n');
    expect(await applied.collect(ALL)).toMatchObject({ change: { tree: collected.change.tree } });
  });

  it('that an agent left ignored in its directory are not obeyed', async () => {
    const workspace = await open();
    await writeFiles(workspace.directory, {
      '.gitignore': '.gitattributes\n',
      '.gitattributes': '* text -diff\n',
      'a.txt': 'one\r\n',
    });
    const collected = await workspace.collect(ALL);
    if (collected.status !== 'collected') throw new Error(`it was ${collected.status}`);
    expect(await provider.diff(collected.change.artifact, 10_000)).toContain('+one\r\n');
  });

  it('that name a filter keep files from being handed on as they were written, by name', async () => {
    await repository.commitElsewhere({
      '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n*.txt filter\n*.md -filter\n',
      'a.bin': 'version https://git-lfs.github.com/spec/v1\n',
      'b.bin': 'version https://git-lfs.github.com/spec/v1\n',
    });
    const workspace = await open();
    await writeFiles(workspace.directory, { 'a.txt': 'a\n', 'a.md': 'a\n', 'a.bin': 'the content itself\n', 'new/c.bin': 'c\n' });
    await rm(join(workspace.directory, 'b.bin'));
    await expect(workspace.collect(ALL)).rejects.toMatchObject({
      name: 'WorkspaceProblem',
      failure_class: 'semantic',
      message: expect.stringMatching(/filter, as Git LFS does: a\.bin \(lfs\), new\/c\.bin \(lfs\); /),
    });
    await ownerGit(workspace.directory, 'checkout', '--quiet', '--', 'a.bin');
    await rm(join(workspace.directory, 'new'), { recursive: true });
    const collected = await workspace.collect(ALL);
    expect(collected).toMatchObject({ status: 'collected', change: { files: ['a.md', 'a.txt', 'b.bin'] } });
  });
});

describe('a submodule of a repository', () => {
  it('takes nothing that an agent writes there, and says so by name', async () => {
    const repository = await makeRepository();
    const { checkout, bare } = repository;
    await ownerGit(
      checkout,
      'update-index',
      '--add',
      '--cacheinfo',
      `160000,${await ownerGit(bare, 'rev-parse', 'main')},vendor/lib`,
    );
    await ownerGit(checkout, 'commit', '--quiet', '-m', 'A submodule');
    await ownerGit(checkout, 'push', '--quiet', bare, 'main');
    const base = { repository: { url: bare, target: 'main' }, inputs: [] };
    const workspace = await repository.workspaces('root').open({ name: 'task', base, signal: new AbortController().signal });
    const directory = workspace.directory ?? '';
    await writeFiles(directory, { 'a.txt': 'a\n' });
    expect(await workspace.collect(ALL)).toMatchObject({ status: 'collected', change: { files: ['a.txt'] } });
    await writeFiles(directory, { 'vendor/lib/fix.c': 'x\n' });
    await expect(workspace.collect(ALL)).rejects.toMatchObject({
      name: 'WorkspaceProblem',
      failure_class: 'semantic',
      message: expect.stringContaining('into a submodule: vendor/lib/fix.c; '),
    });
    await repository.dispose();
  });
});
