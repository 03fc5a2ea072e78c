import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Change } from '@baton/contracts';
import type { Landing } from '@baton/ports';
import { ownerGit, writeFiles } from '@baton/testing';
import type { GitWorkspaces } from '../src/index.ts';
import { makeRepository, type TestRepository } from './repository.ts';

const signal = new AbortController().signal;
const TRAILERS = { 'Baton-Mission': 'm-1', 'Baton-Release': 'r-1' };

describe('landing', () => {
  let repository: TestRepository;
  let provider: GitWorkspaces;
  beforeEach(async () => {
    repository = await makeRepository();
    provider = repository.workspaces('root');
  });
  afterEach(() => repository.dispose());

  const change = async (files: Readonly<Record<string, string>>, url = repository.bare): Promise<Change> => {
    const workspace = await provider.open({ name: 'x', base: { repository: { url, target: 'main' }, inputs: [] }, signal });
    await writeFiles(workspace.directory ?? '', files);
    const collected = await workspace.collect({ write_set: ['**'], write_set_exclude: [], output: null, message: 'A change' });
    await workspace.discard();
    if (collected.status !== 'collected') throw new Error(`it was ${collected.status}`);
    return collected.change;
  };
  const land = (
    made: Change,
    trailers: Readonly<Record<string, string>> = TRAILERS,
    url = repository.bare,
    by = provider,
  ): Promise<Landing> =>
    by.land({
      repository: { url, target: 'main' },
      artifact: made.artifact,
      expected_base: made.base_commit,
      tree: made.tree,
      message: 'Deliver it\n\nWith reasons.\n',
      trailers,
      signal,
    });
  const main = (what = '%H', directory = repository.bare): Promise<string> =>
    ownerGit(directory, 'log', '-1', `--format=${what}`, 'main');

  it('puts one commit of exactly the tested tree on top of its base', async () => {
    const made = await change({ 'a.txt': 'a\n' });
    const landed = await land(made);
    expect(landed).toEqual({ status: 'landed', commit: await main(), tree: made.tree });
    expect(await main('%T %P %an')).toBe(`${made.tree} ${made.base_commit} Baton`);
    expect(await main('%B')).toBe('Deliver it\n\nWith reasons.\n\nBaton-Mission: m-1\nBaton-Release: r-1');
  });

  it('finds what it landed before, also below what others landed since', async () => {
    const made = await change({ 'a.txt': 'a\n' });
    const first = await land(made);
    await repository.commitElsewhere({ 'b.txt': 'b\n' });
    expect(await land(made, TRAILERS, repository.bare, repository.workspaces('elsewhere'))).toEqual(first);
    expect(await ownerGit(repository.bare, 'rev-list', '--count', 'main')).toBe('3');
  });

  it('says of a target that cannot be read only that it has to be read again, whatever the reason', async () => {
    const made = await change({ 'a.txt': 'a\n' });
    const away = { ...made, url: `${repository.bare}.away` };
    await rename(repository.bare, away.url);
    await expect(land(made)).rejects.toMatchObject({
      failure_class: 'transient',
      message: expect.stringContaining('no readable git repository'),
    });
    await rename(away.url, repository.bare);
    await ownerGit(repository.bare, 'branch', '--move', 'main', 'elsewhere');
    await expect(land(made)).rejects.toMatchObject({
      failure_class: 'transient',
      message: expect.stringContaining('no branch "main"'),
    });
  });

  it('does not take a commit for its own that has only some of the trailers, or quotes them', async () => {
    const made = await change({ 'a.txt': 'a\n' });
    await repository.commitElsewhere(
      { 'b.txt': 'b\n' },
      'About\n\nBaton-Mission: m-1\nBaton-Release: r-1\nis what it said\n\nBaton-Mission: m-1\nBaton-Release: r-10',
    );
    expect(await land(made)).toEqual({ status: 'moved', target_commit: await main() });
  });

  it('says where the target is when somebody else was first', async () => {
    const made = await change({ 'a.txt': 'a\n' });
    const moved_to = await repository.commitElsewhere({ 'b.txt': 'b\n' });
    expect(await land(made)).toEqual({ status: 'moved', target_commit: moved_to });
  });

  it('lets one of two win that land at the same time, and tells the other', async () => {
    const others = [repository.workspaces('one'), repository.workspaces('two'), repository.workspaces('three')];
    const made = await Promise.all(others.map((_, index) => change({ [`${String(index)}.txt`]: 'x\n' })));
    const landings = await Promise.all(
      made.map((one, index) => land(one, { 'Baton-Mission': `m-${String(index)}` }, repository.bare, others[index])),
    );
    expect(landings.map(({ status }) => status).toSorted()).toEqual(['landed', 'moved', 'moved']);
    expect(await ownerGit(repository.bare, 'rev-list', '--count', 'main')).toBe('2');
  });

  it('overwrites nothing that somebody else landed after it had looked', async () => {
    const made = await change({ 'a.txt': 'a\n' });
    const elsewhere: string[] = [];
    // The artifact is asked for between the look at the target and the push.
    const get = async (digest: string): Promise<Uint8Array> => {
      if (elsewhere.length === 0) elsewhere.push(await repository.commitElsewhere({ 'b.txt': 'b\n' }));
      return repository.artifacts.get(digest);
    };
    const late = repository.workspaces('late', { artifacts: { ...repository.artifacts, get } });
    const landing = await land(made, TRAILERS, repository.bare, late);
    expect(landing).toEqual({ status: 'moved', target_commit: elsewhere[0] });
    expect(await main()).toBe(elsewhere[0]);
  });

  it('takes for its own what a predecessor pushed after it had looked: that one was killed, its push was not', async () => {
    const made = await change({ 'a.txt': 'a\n' });
    const pushed: string[] = [];
    const message = 'Deliver it\n\nBaton-Mission: m-1\nBaton-Release: r-1';
    const get = async (digest: string): Promise<Uint8Array> => {
      if (pushed.length === 0) pushed.push(await repository.commitElsewhere({ 'a.txt': 'a\n' }, message));
      return repository.artifacts.get(digest);
    };
    const next = repository.workspaces('next', { artifacts: { ...repository.artifacts, get } });
    expect(await land(made, TRAILERS, repository.bare, next)).toEqual({ status: 'landed', commit: pushed[0], tree: made.tree });
    expect(await ownerGit(repository.bare, 'rev-list', '--count', 'main')).toBe('2');
  });

  it('refuses trailers that would be read as something else', async () => {
    const made = await change({ 'a.txt': 'a\n' });
    await expect(land(made, { 'Baton-Mission': 'm-1\nBaton-Release: forged' })).rejects.toThrow('trailers.Baton-Mission');
    await expect(land(made, { 'Not a name': 'x' })).rejects.toThrow('Not a name');
  });

  it("asks for a decision when the owner's hook refuses, and does not go around it", async () => {
    const hook = join(repository.bare, 'hooks', 'pre-receive');
    await mkdir(join(repository.bare, 'hooks'), { recursive: true });
    await writeFile(hook, '#!/bin/sh\necho "not on a Friday" >&2\nexit 1\n');
    await chmod(hook, 0o755);
    const made = await change({ 'a.txt': 'a\n' });
    await expect(land(made)).rejects.toMatchObject({
      name: 'WorkspaceProblem',
      failure_class: 'policy',
      message: expect.stringContaining('not on a Friday'),
    });
    expect(await main()).toBe(made.base_commit);
  });

  describe('on a branch that is checked out', () => {
    it('brings the files along', async () => {
      const made = await change({ 'a.txt': 'a\n' }, repository.checkout);
      await writeFiles(repository.checkout, { 'untracked.txt': 'mine\n' });
      expect(await land(made, TRAILERS, repository.checkout)).toMatchObject({ status: 'landed', tree: made.tree });
      expect(await readFile(join(repository.checkout, 'a.txt'), 'utf8')).toBe('a\n');
      expect(await ownerGit(repository.checkout, 'status', '--porcelain')).toBe('?? untracked.txt');
    });

    it('does not touch work in progress, and names it', async () => {
      const made = await change({ 'a.txt': 'a\n' }, repository.checkout);
      await writeFiles(repository.checkout, { 'README.md': 'being edited\n' });
      await expect(land(made, TRAILERS, repository.checkout)).rejects.toMatchObject({
        name: 'WorkspaceProblem',
        failure_class: 'transient',
        message: expect.stringMatching(/uncommitted changes.*commit or stash.*: README\.md/),
      });
      expect(await readFile(join(repository.checkout, 'README.md'), 'utf8')).toBe('being edited\n');
      expect(await main('%H', repository.checkout)).toBe(made.base_commit);
      expect(existsSync(join(repository.checkout, 'a.txt'))).toBe(false);
    });

    it.each([
      ['an ignored file', { 'build/.env': 'mine\n' }, { 'build/.env': 'its own\n', 'a.txt': 'a\n' }, 'build/.env'],
      ['a file that is not tracked', { 'notes*.txt': 'mine\n' }, { 'notes*.txt': 'its own\n', 'a.txt': 'a\n' }, 'notes*.txt'],
      ['an ignored file where a directory comes', { build: 'mine\n' }, { 'build/x': 'x\n', 'a.txt': 'a\n' }, 'build'],
      ['a directory of ignored files where a file comes', { 'out/.env': 'mine\n' }, { out: 'x\n', 'a.txt': 'a\n' }, 'out/.env'],
    ])('writes over nothing that git does not track there, and names it: %s', async (_, mine, added, named) => {
      await writeFiles(repository.checkout, { '.gitignore': 'build\n.env\n' });
      await ownerGit(repository.checkout, 'commit', '--quiet', '--all', '-m', 'Ignores');
      const workspace = await provider.open({
        name: 'x',
        base: { repository: { url: repository.checkout, target: 'main' }, inputs: [] },
        signal,
      });
      await writeFiles(workspace.directory ?? '', { ...added, '.gitignore': '' });
      const collected = await workspace.collect({ write_set: ['**'], write_set_exclude: [], output: null, message: 'A change' });
      if (collected.status !== 'collected') throw new Error(`it was ${collected.status}`);
      await writeFiles(repository.checkout, mine);
      await expect(land(collected.change, TRAILERS, repository.checkout)).rejects.toMatchObject({
        name: 'WorkspaceProblem',
        failure_class: 'transient',
        message: expect.stringContaining(`its own; move them away or commit them, and it is landed on by itself: ${named}`),
      });
      for (const [path, text] of Object.entries(mine)) expect(await readFile(join(repository.checkout, path), 'utf8')).toBe(text);
      expect(await main('%H', repository.checkout)).toBe(collected.change.base_commit);
      expect(existsSync(join(repository.checkout, 'a.txt'))).toBe(false);
      await rm(join(repository.checkout, Object.keys(mine)[0] ?? ''));
      expect(await land(collected.change, TRAILERS, repository.checkout)).toMatchObject({ status: 'landed' });
      expect(await readFile(join(repository.checkout, 'a.txt'), 'utf8')).toBe('a\n');
    });

    it('looks for them where the branch is checked out, and names the first of many', async () => {
      const linked = join(repository.root, 'linked');
      await ownerGit(repository.checkout, 'checkout', '--quiet', '-b', 'elsewhere');
      await ownerGit(repository.checkout, 'worktree', 'add', '--quiet', linked, 'main');
      const files = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`new/${String(at).padStart(2, '0')}.txt`, 'x\n']));
      const made = await change(files, repository.checkout);
      await writeFiles(repository.checkout, files);
      await writeFiles(linked, files);
      await expect(land(made, TRAILERS, repository.checkout)).rejects.toThrow(/: new\/00\.txt, .*new\/09\.txt, … 12 in all$/);
      await rm(join(linked, 'new'), { recursive: true });
      expect(await land(made, TRAILERS, repository.checkout)).toMatchObject({ status: 'landed' });
      expect(await readFile(join(linked, 'new/00.txt'), 'utf8')).toBe('x\n');
    });

    it('lands on another branch without touching the files', async () => {
      await ownerGit(repository.checkout, 'checkout', '--quiet', '-b', 'elsewhere');
      await writeFiles(repository.checkout, { 'README.md': 'being edited\n' });
      const made = await change({ 'a.txt': 'a\n' }, repository.checkout);
      expect(await land(made, TRAILERS, repository.checkout)).toMatchObject({ status: 'landed' });
      expect(existsSync(join(repository.checkout, 'a.txt'))).toBe(false);
    });
  });
});
