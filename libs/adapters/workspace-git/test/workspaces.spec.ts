import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Workspace } from '@baton/ports';
import { criterion, keepsWorkspaceContract, ownerGit, writeFiles } from '@baton/testing';
import { openSandbox } from '@baton/workbench';
import type { GitWorkspaces } from '../src/index.ts';
import { BASE_FILES, makeRepository, type TestRepository } from './repository.ts';

const signal = new AbortController().signal;
const ALL = { write_set: ['**'], write_set_exclude: [], output: null, message: 'A change' };

/** The best that there is on this machine; it says itself which one that is. */
const sandbox = openSandbox({ setting: 'preferred', network: 'none', readable: [], environment: process.env });

describe.each([
  ['git workspaces', {}],
  [`git workspaces whose checks run in ${sandbox.mode}`, { sandbox }],
])('%s', (_name, options) => {
  keepsWorkspaceContract(async () => {
    const repository = await makeRepository();
    return {
      provider: repository.workspaces('here', options),
      elsewhere: repository.workspaces('there', options),
      artifacts: repository.artifacts,
      repository: { url: repository.bare, target: 'main' },
      write: async (workspace, number, text) => {
        await writeFiles(workspace.directory ?? '', { [`docs/${String(number)}.md`]: text });
        return null;
      },
      dispose: repository.dispose,
    };
  });
});

describe('git workspaces', () => {
  it('whose checks are confined let them ask git, and say by what they were', async () => {
    const repository = await makeRepository();
    const workspace = await repository
      .workspaces('confined', { sandbox })
      .open({ name: 'task', base: { repository: { url: repository.bare, target: 'main' }, inputs: [] }, signal });
    await writeFiles(workspace.directory ?? '', { 'docs/new.md': 'new\n' });
    await workspace.collect(ALL);
    const looks = criterion(['sh', '-c', 'git show HEAD:README.md && git status --short']);
    expect(await workspace.check(looks, signal)).toMatchObject({
      exit_code: 0,
      output_tail: expect.stringMatching(/A project[^]*docs\/new\.md/),
      sandbox: sandbox.mode,
    });
    await repository.dispose();
  });

  let repository: TestRepository;
  let provider: GitWorkspaces;
  beforeEach(async () => {
    repository = await makeRepository();
    provider = repository.workspaces('root');
  });
  afterEach(() => repository.dispose());

  const open = async (
    inputs: readonly string[] = [],
    target = 'main',
    url = repository.bare,
  ): Promise<Workspace & { readonly directory: string }> => {
    const workspace = await provider.open({
      name: 'task-m1.one',
      base: { repository: { url, target }, inputs: [...inputs] },
      signal,
    });
    const { directory } = workspace;
    if (directory === null) throw new Error('a git workspace has a directory');
    return { ...workspace, directory };
  };
  const collected = async (workspace: Workspace) => {
    const answer = await workspace.collect(ALL);
    if (answer.status !== 'collected') throw new Error(`it was ${answer.status}`);
    return answer.change;
  };
  const changeOf = async (files: Readonly<Record<string, string>>) => {
    const workspace = await open();
    await writeFiles(workspace.directory, files);
    return collected(workspace);
  };

  it('gives the agent the head of the target on a branch of its own, where git works', async () => {
    const { directory, base_commit } = await open();
    expect(await readFile(join(directory, 'src/one.txt'), 'utf8')).toBe(BASE_FILES['src/one.txt']);
    expect(await ownerGit(directory, 'status', '--porcelain', '--branch')).toBe('## baton/task-m1-one');
    expect(await ownerGit(directory, 'rev-parse', 'HEAD')).toBe(base_commit);
    expect(base_commit).toBe(await ownerGit(repository.bare, 'rev-parse', 'main'));
  });

  it('sees what was pushed a moment ago', async () => {
    await open();
    const pushed = await repository.commitElsewhere({ 'new.txt': 'new\n' });
    const both = await Promise.all([open(), open()]);
    expect(both.map(({ base_commit }) => base_commit)).toEqual([pushed, pushed]);
  });

  it('collects every kind of change, whether the agent committed it or not', async () => {
    const workspace = await open();
    const { directory } = workspace;
    await rm(join(directory, 'README.md'));
    await rm(join(directory, 'src'), { recursive: true });
    await writeFiles(directory, {
      src: 'now a file\n',
      'README.md/inside': 'now a directory\n',
      'ünï "cödé"\t.txt': 'x\n',
      empty: '',
    });
    await writeFile(join(directory, 'binary'), Buffer.from([0, 1, 2, 255, 0]));
    await writeFile(join(directory, 'tool'), '#!/bin/sh\n');
    await chmod(join(directory, 'tool'), 0o755);
    await symlink('README.md/inside', join(directory, 'link'));
    await ownerGit(directory, 'add', 'binary');
    await ownerGit(directory, 'commit', '--quiet', '-m', 'The agent commits');
    const change = await collected(workspace);
    expect(change.files.toSorted()).toEqual([
      'README.md',
      'README.md/inside',
      'binary',
      'empty',
      'link',
      'src',
      'src/one.txt',
      'tool',
      'ünï "cödé"\t.txt',
    ]);
    expect((await provider.paths(change.artifact)).toSorted()).toEqual(change.files.toSorted());

    const applied = await open();
    await applied.apply(change.artifact);
    expect((await collected(applied)).tree).toBe(change.tree);
    expect(existsSync(join(applied.directory, 'README.md/inside'))).toBe(true);
  });

  it('refuses everything outside the write-set, by name', async () => {
    const workspace = await open();
    await writeFiles(workspace.directory, { 'docs/a.md': 'a\n', 'src/one.txt': 'changed\n', 'docs/secret/b.md': 'b\n' });
    expect(await workspace.collect({ ...ALL, write_set: ['docs/**'], write_set_exclude: ['docs/secret/**'] })).toEqual({
      status: 'refused',
      paths: ['docs/secret/b.md', 'src/one.txt'],
    });
  });

  it('lets a check see the collected tree and nothing that the agent left behind', async () => {
    const workspace = await open();
    await writeFiles(workspace.directory, { 'build/ignored': 'left behind\n', 'docs/a.md': 'a\n' });
    await collected(workspace);
    await writeFiles(workspace.directory, { 'docs/a.md': 'changed after\n', 'late.txt': 'too late\n' });
    const receipt = await workspace.check(
      criterion([
        'sh',
        '-c',
        'find . -name .git -prune -o -type f -print | sort; cat docs/a.md; git status --porcelain; touch litter',
      ]),
      signal,
    );
    const lines = (await repository.artifacts.text(receipt.output_digest)).trim().split('\n');
    expect(lines).toEqual(['./.gitignore', './README.md', './docs/a.md', './src/one.txt', 'a', 'A  docs/a.md']);
    expect(await workspace.check(criterion(['sh', '-c', '! test -e litter']), signal)).toMatchObject({ exit_code: 0 });
    expect(await workspace.check(criterion(['cat', 'one.txt'], { in: 'src' }), signal)).toMatchObject({
      exit_code: 0,
      output_tail: 'one\ntwo\nthree',
    });
  });

  it("shows a check none of the host's variables", async () => {
    const workspace = await open();
    await writeFiles(workspace.directory, { a: 'a' });
    await collected(workspace);
    const receipt = await workspace.check(criterion(['env']), signal);
    expect(
      receipt.output_tail
        .split('\n')
        .map((line) => line.split('=')[0])
        .toSorted(),
    ).toEqual(['HOME', 'LANG', 'PATH', 'TMPDIR']);
  });

  it('names the paths of a change that does not fit, and leaves nothing of it behind', async () => {
    const mine = await changeOf({ 'src/one.txt': 'mine\n', 'docs/mine.md': 'mine\n' });
    const theirs = await changeOf({ 'src/one.txt': 'theirs\n', 'docs/theirs.md': 'theirs\n' });
    const workspace = await open();
    await workspace.apply(mine.artifact);
    await expect(workspace.apply(theirs.artifact)).rejects.toMatchObject({
      name: 'WorkspaceProblem',
      failure_class: 'semantic',
      message: expect.stringContaining('src/one.txt'),
    });
    expect((await collected(workspace)).tree).toBe(mine.tree);
  });

  it('refuses more paths than events can carry, by their bytes, and says so', async () => {
    const workspace = await open();
    const long = 'generated-'.repeat(20);
    const files = Array.from({ length: 700 }, (_, n) => [`docs/${long}${String(n)}.md`, `${String(n)}\n`]);
    await writeFiles(workspace.directory, Object.fromEntries(files) as Record<string, string>);
    await expect(workspace.collect(ALL)).rejects.toMatchObject({
      failure_class: 'semantic',
      message: expect.stringMatching(/paths of the 700 files .* have 14\d{4} bytes, at most 131072 .*split the task/),
    });
    await workspace.discard();
  });

  it('merges changes to different places of one file', async () => {
    const first = await changeOf({ 'src/one.txt': 'ONE\ntwo\nthree\n' });
    await repository.commitElsewhere({ 'src/one.txt': 'one\ntwo\nthree\nfour\nfive\nsix\nseven\n' });
    const workspace = await open([first.artifact]);
    expect(await readFile(join(workspace.directory, 'src/one.txt'), 'utf8')).toBe('ONE\ntwo\nthree\nfour\nfive\nsix\nseven\n');
    expect(await ownerGit(workspace.directory, 'status', '--porcelain')).toBe('');
  });

  it('says what is wrong with a repository or a branch, and how to put it right', async () => {
    await expect(open([], 'main', join(repository.root, 'nowhere'))).rejects.toMatchObject({
      name: 'WorkspaceProblem',
      failure_class: 'semantic',
      message: expect.stringMatching(/nowhere.*correct repository\.url/s),
    });
    await expect(open([], 'release')).rejects.toMatchObject({
      name: 'WorkspaceProblem',
      failure_class: 'semantic',
      message: expect.stringMatching(/no branch "release"; it has: main; correct repository\.target/),
    });
    const empty = join(repository.root, 'empty.git');
    await ownerGit(repository.root, 'init', '--quiet', '--bare', empty);
    await expect(open([], 'main', empty)).rejects.toMatchObject({
      failure_class: 'semantic',
      message: expect.stringContaining('push a first commit'),
    });
    await expect(open([], 'main', 'http://user:secret@127.0.0.1:1/x')).rejects.toMatchObject({
      failure_class: 'transient',
      message: expect.not.stringContaining('secret'),
    });
    await expect(open([], 'a..b')).rejects.toMatchObject({
      failure_class: 'semantic',
      message: expect.stringContaining('correct repository.target'),
    });
    const shallow = join(repository.root, 'shallow');
    await ownerGit(repository.root, 'clone', '--quiet', repository.bare, shallow);
    await open([], 'main', shallow);
    await repository.commitElsewhere({ 'new.txt': 'new\n' });
    await rm(shallow, { recursive: true });
    await ownerGit(repository.root, 'clone', '--quiet', '--depth=1', `file://${repository.bare}`, shallow);
    const said = expect.stringMatching(/shallow clone.*git fetch --unshallow/);
    await expect(open([], 'main', shallow)).rejects.toMatchObject({ failure_class: 'semantic', message: said });
    const sha256 = join(repository.root, 'sha256');
    await ownerGit(repository.root, 'init', '--quiet', '--object-format=sha256', '--initial-branch=main', sha256);
    await ownerGit(sha256, 'commit', '--quiet', '--allow-empty', '-m', 'First');
    await expect(open([], 'main', sha256)).rejects.toMatchObject({
      name: 'WorkspaceProblem',
      failure_class: 'semantic',
      message: expect.stringMatching(/sha256.*only repositories with sha1/s),
    });
    for (const url of ['file://server/share/repo', 'file:///a%2Fb', 'file:///%'])
      await expect(open([], 'main', url)).rejects.toMatchObject({
        name: 'WorkspaceProblem',
        failure_class: 'semantic',
        message: expect.stringContaining(`repository.url "${url}"`),
      });
    const without_git = repository.workspaces('without-git', { environment: { PATH: join(repository.root, 'nowhere') } });
    await expect(
      without_git.open({ name: 'x', base: { repository: { url: repository.bare, target: 'main' }, inputs: [] }, signal }),
    ).rejects.toMatchObject({ failure_class: 'semantic', message: expect.stringContaining('apt-get install git') });
  });

  it('removes what a crashed process left, and nothing of one that lives', async () => {
    const workspace = await open();
    const workspaces = join(repository.root, 'root', 'workspaces');
    // Of this very process id (a container's ids begin anew), and of another root's living instance.
    await mkdir(join(workspaces, `${hostname()}.${String(process.pid)}.000000000000`, 'task-1', 'tree'), { recursive: true });
    await mkdir(join(workspaces, `${hostname()}.${String(process.ppid)}.000000000000`), { recursive: true });
    const neighbour = repository.workspaces('root');
    expect(await neighbour.sweepLeftovers()).toBe(1);
    expect(existsSync(workspace.directory)).toBe(true);
    await workspace.discard();
    expect(await readdir(workspaces)).toHaveLength(2);
    expect(existsSync(workspace.directory)).toBe(false);
  });

  it('keeps a remote that does not answer from holding it for ever', async () => {
    const hanging = join(repository.root, 'ssh');
    await writeFile(hanging, '#!/bin/sh\nexec sleep 1000\n');
    await chmod(hanging, 0o755);
    const impatient = repository.workspaces('impatient', {
      git_timeout_ms: 300,
      environment: { PATH: process.env['PATH'], GIT_SSH_COMMAND: hanging },
    });
    await expect(
      impatient.open({ name: 'x', base: { repository: { url: 'ssh://host.invalid/x', target: 'main' }, inputs: [] }, signal }),
    ).rejects.toMatchObject({
      name: 'WorkspaceProblem',
      failure_class: 'transient',
      message: expect.stringContaining('BATON_GIT_TIMEOUT_MS'),
    });
  });
});
