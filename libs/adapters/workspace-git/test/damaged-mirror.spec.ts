/** What a power cut, a full disk or a cleaner of temporary files leaves of a mirror: it is made whole, and nobody's work is lost by that. */
import { chmod, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { criterion, ownerGit, writeFiles } from '@baton/testing';
import type { GitWorkspaces } from '../src/index.ts';
import { makeRepository, type TestRepository } from './repository.ts';

const signal = new AbortController().signal;
const ALL = { write_set: ['**'], write_set_exclude: [], output: null, message: 'A change' };

describe('a damaged mirror', () => {
  let repository: TestRepository;
  let provider: GitWorkspaces;
  let mirror: string;
  const open = async (by = provider, target = 'main') => {
    const workspace = await by.open({
      name: 'task',
      base: { repository: { url: repository.bare, target }, inputs: [] },
      signal,
    });
    return { ...workspace, directory: workspace.directory ?? '' };
  };
  const fileOf = async (object: string, git_dir = mirror): Promise<string> => {
    const id = await ownerGit(repository.bare, 'rev-parse', object);
    return join(git_dir, 'objects', id.slice(0, 2), id.slice(2));
  };
  const spoil = async (path: string, content = ''): Promise<void> => {
    await chmod(path, 0o644);
    await writeFile(path, content);
  };
  /** In the mirror only. */
  const commitWithoutItsFile = async (): Promise<string> => {
    const { checkout } = repository;
    await writeFiles(checkout, { 'half.txt': 'half\n' });
    await ownerGit(checkout, 'add', 'half.txt');
    await ownerGit(checkout, 'commit', '--quiet', '-m', 'half');
    await ownerGit(mirror, 'fetch', '--quiet', '--no-write-fetch-head', checkout, 'HEAD');
    const file = await ownerGit(checkout, 'rev-parse', 'HEAD:half.txt');
    await rm(join(mirror, 'objects', file.slice(0, 2), file.slice(2)));
    return ownerGit(checkout, 'rev-parse', 'HEAD');
  };
  const packs = async (end: string): Promise<readonly string[]> =>
    (await readdir(join(mirror, 'objects/pack')))
      .filter((name) => name.endsWith(end))
      .map((name) => join(mirror, 'objects/pack', name));
  const pack = async (): Promise<void> => {
    await ownerGit(mirror, 'repack', '-adq');
    for (const path of [...(await packs('.pack')), ...(await packs('.idx'))]) await chmod(path, 0o644);
  };

  beforeEach(async () => {
    repository = await makeRepository();
    provider = repository.workspaces('root');
    await (await open()).discard();
    const mirrors = join(repository.root, 'root/mirrors');
    mirror = join(mirrors, (await readdir(mirrors))[0] ?? '');
  });
  afterEach(() => repository.dispose());

  const damages: Readonly<Record<string, () => Promise<unknown>>> = {
    'a tree that is missing': async () => rm(await fileOf('main:')),
    'a tree below that is missing': async () => rm(await fileOf('main:src')),
    'a file that is missing': async () => rm(await fileOf('main:README.md')),
    'an empty commit': async () => spoil(await fileOf('main')),
    'an empty tree': async () => spoil(await fileOf('main:')),
    'an empty file': async () => spoil(await fileOf('main:README.md')),
    'a file of garbage': async () => spoil(await fileOf('main:README.md'), 'garbage, not packed'),
    'a pack of garbage': async () => {
      await pack();
      for (const path of await packs('.pack')) await writeFile(path, 'garbage, no pack');
    },
    'a pack that was cut off': async () => {
      await pack();
      for (const path of await packs('.pack')) await truncate(path, 60);
    },
    'an index that was cut off': async () => {
      await pack();
      for (const path of await packs('.idx')) await truncate(path, 30);
    },
    'an empty ref': async () => {
      const targets = join(mirror, 'refs/baton/targets');
      for (const name of await readdir(targets)) await spoil(join(targets, name));
    },
    'refs of garbage': () => writeFile(join(mirror, 'packed-refs'), 'garbage\n'),
    'directories that a cleaner took': () => rm(join(mirror, 'refs'), { recursive: true }),
    'nothing left of its objects': () => rm(join(mirror, 'objects'), { recursive: true }),
  };
  it.each(Object.keys(damages))('with %s is made whole on the way', async (name) => {
    await damages[name]?.();
    const workspace = await open();
    await writeFiles(workspace.directory, { 'docs/a.md': 'a\n', 'README.md': 'changed\n' });
    const collected = await workspace.collect(ALL);
    if (collected.status !== 'collected') throw new Error(`it was ${collected.status}`);
    expect(await workspace.check(criterion(['cat', 'README.md']), signal)).toMatchObject({
      exit_code: 0,
      output_tail: 'changed',
    });
    const { artifact, base_commit: expected_base, tree } = collected.change;
    const land = { repository: { url: repository.bare, target: 'main' }, artifact, expected_base, tree, message: 'm', signal };
    expect(await provider.land({ ...land, trailers: { 'Baton-Mission': 'm' } })).toMatchObject({ status: 'landed', tree });
    // The places of repairs are gone again.
    await workspace.discard();
    expect(
      (await readdir(join(repository.root, 'root/workspaces'), { recursive: true })).filter((path) => path.includes('repair')),
    ).toEqual([]);
  });

  it('is repaired under workspaces that are at work, of this process and of another: each keeps what its agent made', async () => {
    const others = repository.workspaces('root');
    const working = await Promise.all([open(), open(others)]);
    for (const [at, { directory }] of working.entries()) await writeFiles(directory, { [`${String(at)}.txt`]: 'made before\n' });
    const before = await Promise.all(working.map((workspace) => workspace.collect(ALL)));
    for (const object of ['main:', 'main:src', 'main:README.md']) await rm(await fileOf(object));
    const opened = await Promise.all([open(), open(), open(others), open(others)]);
    expect(await Promise.all(opened.map(({ directory }) => ownerGit(directory, 'status', '--porcelain')))).toEqual([
      '',
      '',
      '',
      '',
    ]);
    expect(await Promise.all(working.map((workspace) => workspace.collect(ALL)))).toEqual(before);
    for (const { directory } of working) await writeFiles(directory, { 'README.md': 'made after\n' });
    expect(await Promise.all(working.map((workspace) => workspace.collect(ALL)))).toMatchObject([
      { status: 'collected', change: { files: ['0.txt', 'README.md'] } },
      { status: 'collected', change: { files: ['1.txt', 'README.md'] } },
    ]);
  });

  it('keeps the refs that are whole while it is repaired: another process may be about to read what it fetched', async () => {
    await ownerGit(repository.bare, 'branch', 'other', 'main');
    const targets = join(mirror, 'refs/baton/targets');
    const [main = ''] = await readdir(targets);
    await open(provider, 'other');
    const other = (await readdir(targets)).find((name) => name !== main) ?? '';
    const commit = await ownerGit(repository.bare, 'rev-parse', 'other');
    const written = (await stat(join(targets, other))).ino;
    // The one leads to a commit of which a file is missing, the other to nothing; both are only in this mirror.
    await writeFile(join(targets, 'half'), `${await commitWithoutItsFile()}\n`);
    await writeFile(join(targets, 'nothing'), `${'1'.repeat(40)}\n`);
    await rm(await fileOf('main:src'));
    expect(await ownerGit((await open()).directory, 'status', '--porcelain')).toBe('');
    expect((await stat(join(targets, other))).ino).toBe(written);
    expect(await ownerGit(mirror, 'for-each-ref', '--format=%(objectname) %(refname:lstrip=-1)')).toBe(
      [main, other]
        .toSorted()
        .map((name) => `${commit} ${name}`)
        .join('\n'),
    );
  });

  it('that is damaged while an agent works is repaired before its work is collected and checked', async () => {
    const workspace = await open();
    await writeFiles(workspace.directory, { 'docs/a.md': 'a\n' });
    await rm(await fileOf('main:src'));
    await rm(await fileOf('main:'));
    expect(await workspace.collect(ALL)).toMatchObject({ status: 'collected', change: { files: ['docs/a.md'] } });
    await spoil((await packs('.pack'))[0] ?? '', 'garbage');
    expect(await workspace.check(criterion(['cat', 'src/one.txt']), signal)).toMatchObject({ exit_code: 0 });
  });

  it('is rid of what only a workspace has written and a power cut has spoiled: the next one writes it again', async () => {
    const attempt = async () => {
      const workspace = await open();
      await writeFiles(workspace.directory, { 'docs/a.md': 'the work of an agent\n' });
      await workspace.collect(ALL);
      return workspace;
    };
    const id = await ownerGit((await attempt()).directory, 'hash-object', 'docs/a.md');
    await spoil(join(mirror, 'objects', id.slice(0, 2), id.slice(2)));
    const looks = criterion(['cat', 'docs/a.md']);
    await expect((await attempt()).check(looks, signal)).rejects.toMatchObject({ failure_class: 'transient' });
    expect(await (await attempt()).check(looks, signal)).toMatchObject({ output_tail: 'the work of an agent' });
  });

  it('is not to blame where the repository itself is damaged: that is said, and what to do there', async () => {
    await rm(await fileOf('main:README.md'));
    await ownerGit(repository.bare, 'unpack-objects', '-q').catch(() => undefined);
    await rm(await fileOf('main:README.md', repository.bare));
    await expect(open()).rejects.toMatchObject({
      name: 'WorkspaceProblem',
      failure_class: 'transient',
      message: expect.stringMatching(/run git fsck/),
    });
  });
});
