/** What an agent may try on the host that takes its change. The canary is a file that any program run by it would make. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Workspace } from '@baton/ports';
import { criterion, ownerGit, writeFiles } from '@baton/testing';
import type { GitWorkspaces } from '../src/index.ts';
import { HOOKS } from './hostile-trees.ts';
import { makeRepository, type TestRepository } from './repository.ts';

const signal = new AbortController().signal;
/** Each step down is a call of its own: together they are no path any more. */
const DOWN = `const fs = require('node:fs'); for (let at = 0; at < 600; at++) { fs.mkdirSync('deeper-and-deeper'); process.chdir('deeper-and-deeper'); } fs.writeFileSync('file', 'x');`;

describe('an agent', () => {
  let repository: TestRepository;
  let provider: GitWorkspaces;
  let workspace: Workspace;
  let directory: string;
  let canary: string;
  let program: string;
  const open = async (): Promise<void> => {
    workspace = await provider.open({
      name: 'task',
      base: { repository: { url: repository.bare, target: 'main' }, inputs: [] },
      signal,
    });
    directory = workspace.directory ?? '';
  };
  beforeEach(async () => {
    repository = await makeRepository();
    provider = repository.workspaces('root');
    canary = join(repository.root, 'canary');
    program = join(repository.root, 'program');
    await writeFile(program, `#!/bin/sh\ntouch ${canary}\ncat\n`);
    await chmod(program, 0o755);
    await open();
  });
  afterEach(() => repository.dispose());

  const collect = () => workspace.collect({ write_set: ['**'], write_set_exclude: [], output: null, message: 'A change' });
  /** Everything that runs git after an agent did. */
  const useEverything = async () => {
    const collected = await collect();
    if (collected.status !== 'collected') return collected;
    const { change } = collected;
    await workspace.check(criterion(['true']), signal);
    const applied = await provider.open({
      name: 'review',
      base: { repository: { url: repository.bare, target: 'main' }, inputs: [] },
      signal,
    });
    await applied.apply(change.artifact);
    await provider.paths(change.artifact);
    await provider.land({
      repository: { url: repository.bare, target: 'main' },
      artifact: change.artifact,
      expected_base: change.base_commit,
      tree: change.tree,
      message: 'x',
      trailers: { 'Baton-Mission': 'x' },
      signal,
    });
    return collected;
  };
  const dangerous = async (git_dir: string): Promise<void> => {
    const settings = [
      'core.fsmonitor',
      'core.sshCommand',
      'core.editor',
      'core.pager',
      'diff.external',
      'filter.evil.clean',
      'filter.evil.smudge',
      'filter.evil.process',
      'merge.evil.driver',
      'diff.evil.command',
      'diff.evil.textconv',
      'credential.helper',
      'uploadpack.packObjectsHook',
      'core.alternateRefsCommand',
    ];
    for (const key of settings) await ownerGit(repository.root, 'config', '--file', join(git_dir, 'config'), key, program);
    await ownerGit(
      repository.root,
      'config',
      '--file',
      join(git_dir, 'config'),
      'core.hooksPath',
      join(repository.root, 'hooks'),
    );
    await mkdir(join(git_dir, 'info'), { recursive: true });
    await writeFile(join(git_dir, 'info', 'attributes'), '* filter=evil diff=evil merge=evil\n');
    for (const place of [join(repository.root, 'hooks'), join(git_dir, 'hooks')]) {
      await mkdir(place, { recursive: true });
      for (const hook of HOOKS) {
        await writeFile(join(place, hook), `#!/bin/sh\ntouch ${canary}\n`);
        await chmod(join(place, hook), 0o755);
      }
    }
  };

  it('runs nothing by configuration, hooks or attributes in its own repository', async () => {
    await dangerous(join(directory, '.git'));
    await writeFiles(directory, { 'a.txt': 'a\n' });
    // The bait is real: git run in there does run it.
    await ownerGit(directory, 'status').catch(() => undefined);
    expect(existsSync(canary)).toBe(true);
    await rm(canary);
    expect(await useEverything()).toMatchObject({ status: 'collected', change: { files: ['a.txt'] } });
    expect(existsSync(canary)).toBe(false);
  });

  it('runs nothing by configuration in the mirror, found by way of its objects', async () => {
    const mirror = join((await readFile(join(directory, '.git/objects/info/alternates'), 'utf8')).trim(), '..');
    await dangerous(mirror);
    await writeFile(join(mirror, 'commondir'), join(directory, '.git'));
    await writeFiles(directory, { 'a.txt': 'a\n' });
    expect(await useEverything()).toMatchObject({ status: 'collected' });
    expect(existsSync(canary)).toBe(false);
  });

  it.each(['gone', 'a file that points elsewhere', 'broken'])('may leave its .git %s', async (state) => {
    const elsewhere = await mkdtemp(join(repository.root, 'evil-'));
    await ownerGit(elsewhere, 'init', '--quiet');
    await dangerous(join(elsewhere, '.git'));
    if (state !== 'broken') await rm(join(directory, '.git'), { recursive: true });
    if (state === 'a file that points elsewhere')
      await writeFile(join(directory, '.git'), `gitdir: ${join(elsewhere, '.git')}\n`);
    if (state === 'broken') await writeFile(join(directory, '.git', 'HEAD'), 'nonsense\n');
    await writeFiles(directory, { 'a.txt': 'a\n' });
    expect(await useEverything()).toMatchObject({ status: 'collected', change: { files: ['a.txt'] } });
    expect(existsSync(canary)).toBe(false);
  });

  it('hands on no link that leads outside, and its target is not read', async () => {
    await symlink('/etc/passwd', join(directory, 'absolute'));
    await symlink('../../outside', join(directory, 'relative'));
    await symlink('src', join(directory, 'inside'));
    await symlink('inside/../../outside', join(directory, 'around'));
    expect(await collect()).toEqual({ status: 'refused', paths: ['absolute', 'around', 'relative'] });
  });

  it('does not hand on by a link what it wrote outside', async () => {
    const outside = await mkdtemp(join(repository.root, 'outside-'));
    await rm(join(directory, 'src'), { recursive: true });
    await symlink(outside, join(directory, 'src'));
    await writeFiles(directory, { 'src/one.txt': 'written outside\n' });
    expect(await collect()).toEqual({ status: 'refused', paths: ['src'] });
  });

  it('cannot put another directory in the place of its own', async () => {
    const outside = await mkdtemp(join(repository.root, 'outside-'));
    await writeFiles(outside, { 'secret.txt': 'secret\n' });
    await rename(directory, `${directory}-moved`);
    await symlink(outside, directory);
    await expect(collect()).rejects.toMatchObject({ name: 'WorkspaceProblem', failure_class: 'semantic' });
  });

  it('cannot hide what it wrote deeper than any path reaches, and leaves nothing of it', async () => {
    await writeFiles(directory, { 'a.txt': 'a\n' });
    await promisify(execFile)(process.execPath, ['--eval', DOWN], { cwd: directory });
    expect(await collect()).toEqual({ status: 'refused', paths: [expect.stringMatching(/^(deeper-and-deeper\/){5}.*…$/)] });
    await workspace.discard();
    expect(existsSync(directory)).toBe(false);
  });

  it('hands on no submodule and no repository inside', async () => {
    await ownerGit(directory, 'init', '--quiet', 'nested');
    await dangerous(join(directory, 'nested', '.git'));
    await writeFiles(directory, { 'nested/a.txt': 'a\n' });
    expect(await collect()).toEqual({ status: 'refused', paths: ['nested'] });
    await ownerGit(
      join(directory, 'nested'),
      '-c',
      'core.fsmonitor=false',
      '-c',
      'core.hooksPath=/dev/null',
      'commit',
      '--quiet',
      '--allow-empty',
      '-m',
      'x',
    );
    await rm(canary, { force: true });
    expect(await collect()).toEqual({ status: 'refused', paths: ['nested'] });
    await rm(join(directory, 'nested'), { recursive: true });
    await writeFiles(directory, {
      '.gitmodules': '[submodule "x"]\n\tpath = x\n\turl = ext::sh -c evil\n',
      'docs/.gitattributes': '* filter=evil\n',
    });
    expect(await collect()).toEqual({ status: 'refused', paths: ['.gitmodules', 'docs/.gitattributes'] });
    expect(existsSync(canary)).toBe(false);
  });

  it('runs nothing in a submodule that was there before', async () => {
    const head = await ownerGit(repository.bare, 'rev-parse', 'main');
    await ownerGit(repository.checkout, 'update-index', '--add', '--cacheinfo', `160000,${head},vendor/lib`);
    await ownerGit(repository.checkout, 'commit', '--quiet', '-m', 'A submodule');
    await ownerGit(repository.checkout, 'push', '--quiet', repository.bare, 'main');
    await open();
    const submodule = join(directory, 'vendor/lib');
    await ownerGit(repository.root, 'clone', '--quiet', repository.bare, submodule);
    await dangerous(join(submodule, '.git'));
    await writeFiles(directory, { 'vendor/lib/README.md': 'changed\n', 'a.txt': 'a\n' });
    expect(await useEverything()).toMatchObject({ status: 'collected', change: { files: ['a.txt'] } });
    expect(existsSync(canary)).toBe(false);
  });

  it('cannot hide behind an index, a replaced object or an ignore file of its own repository', async () => {
    await ownerGit(directory, 'update-index', '--assume-unchanged', 'README.md');
    await writeFiles(directory, { 'README.md': 'changed in secret\n', 'hidden.txt': 'x\n', '.git/info/exclude': 'hidden.txt\n' });
    expect(await collect()).toMatchObject({ status: 'collected', change: { files: ['README.md', 'hidden.txt'] } });
  });

  it('cannot smuggle paths in a patch of its own making', async () => {
    const patch = (text: string): Promise<string> => repository.artifacts.put(Buffer.from(text));
    const adding = (path: string): string =>
      `diff --git a/${path} b/${path}\nnew file mode 100644\nindex 0000000..257cc56\n--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n+foo\n`;
    for (const path of ['../outside.txt', '.git/hooks/pre-commit', 'a/../../outside.txt']) {
      await expect(workspace.apply(await patch(adding(path)))).rejects.toMatchObject({
        name: 'WorkspaceProblem',
        failure_class: 'semantic',
      });
    }
    await expect(
      provider.paths(await patch('diff --git a/secret b/docs/a\nsimilarity index 100%\nrename from secret\nrename to docs/a\n')),
    ).rejects.toMatchObject({ failure_class: 'policy' });
    await expect(provider.paths(await patch('no patch at all'))).rejects.toMatchObject({ failure_class: 'semantic' });
  });

  it('gains nothing by a repository URL that is a command or an option', async () => {
    for (const url of [`ext::${program}`, `fd::17`, `--upload-pack=${program}`]) {
      await expect(
        provider.open({ name: 'x', base: { repository: { url, target: 'main' }, inputs: [] }, signal }),
      ).rejects.toMatchObject({ name: 'WorkspaceProblem' });
    }
    expect(existsSync(canary)).toBe(false);
  });
});
