/** The way git is run on the host, in a repository that somebody else has written: each setting that keeps it harmless, by itself. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ownerGit, writeFiles } from '@baton/testing';
import { gitRunner, type Git } from '../src/git.ts';
import { makeRepository, type TestRepository } from './repository.ts';

describe('git on the host', () => {
  let repository: TestRepository;
  let directory: string;
  let canary: string;
  let program: string;
  let git: Git;
  beforeEach(async () => {
    repository = await makeRepository();
    directory = repository.checkout;
    canary = join(repository.root, 'canary');
    program = join(repository.root, 'program');
    await writeFile(program, `#!/bin/sh\ntouch ${canary}\nexit 1\n`);
    await chmod(program, 0o755);
    await writeFiles(directory, { 'README.md': 'changed\n' });
    git = gitRunner({ environment: { PATH: process.env['PATH'], HOME: repository.root }, git_timeout_ms: 30_000 });
  });
  afterEach(() => repository.dispose());
  const set = (key: string, value: string): Promise<string> => ownerGit(directory, 'config', '--local', key, value);
  /** The bait is real: its owner's git takes it, ours does not. */
  const expectTakenByOwnerOnly = async (...args: string[]): Promise<void> => {
    await ownerGit(directory, ...args).catch(() => undefined);
    expect(existsSync(canary)).toBe(true);
    await rm(canary);
    await git(args, { directory, success_exit_codes: [0, 1, 128] });
    expect(existsSync(canary)).toBe(false);
  };

  it('runs no hook of the repository it is in', async () => {
    const hooks = join(directory, '.git/hooks');
    await mkdir(hooks, { recursive: true });
    await writeFile(join(hooks, 'pre-commit'), `#!/bin/sh\ntouch ${canary}\nexit 1\n`);
    await chmod(join(hooks, 'pre-commit'), 0o755);
    await expectTakenByOwnerOnly('commit', '--all', '-m', 'x');
  });

  it('runs no file system monitor of the repository it is in', async () => {
    await set('core.fsmonitor', program);
    await expectTakenByOwnerOnly('status');
  });

  it('obeys no attributes that a repository fetches from elsewhere', async () => {
    await writeFile(join(repository.root, 'attributes'), '* filter=evil\n');
    await set('core.attributesFile', join(repository.root, 'attributes'));
    await set('filter.evil.clean', program);
    await expectTakenByOwnerOnly('add', '.');
  });

  it('starts no program that stands in the place of a repository', async () => {
    await set('protocol.ext.allow', 'always');
    await expectTakenByOwnerOnly('ls-remote', `ext::${program}`);
  });

  it('starts no program for a transport that nobody has named', async () => {
    await rename(program, join(repository.root, 'git-remote-bait'));
    const PATH = [repository.root, process.env['PATH']].join(delimiter);
    const args = ['ls-remote', 'bait::x'];
    await promisify(execFile)('git', args, { cwd: directory, env: { PATH } }).catch(() => undefined);
    expect(existsSync(canary)).toBe(true);
    await rm(canary);
    const own = gitRunner({ environment: { PATH, HOME: repository.root }, git_timeout_ms: 30_000 });
    await expect(own(args, { directory })).rejects.toMatchObject({ name: 'GitFailure' });
    expect(existsSync(canary)).toBe(false);
  });

  it('reads no settings of its user', async () => {
    await writeFile(join(repository.root, '.gitconfig'), '[baton]\n\tbait = taken\n');
    const { stdout } = await git(['config', '--get', 'baton.bait'], { directory, success_exit_codes: [0, 1] });
    expect(stdout.toString()).toBe('');
  });
});
