/**
 * Every way that git has to run a program by what lies in a repository: the bait is shown to work on whoever uses git in the
 * agent's directory, and then not to work on the host, which never does.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Workspace } from '@baton/ports';
import { redactor } from '@baton/workbench';
import { criterion, ownerGit, writeFiles } from '@baton/testing';
import type { GitWorkspaces } from '../src/index.ts';
import { makeRepository, type TestRepository } from './repository.ts';

const exec = promisify(execFile);
const signal = new AbortController().signal;

describe('bait in the directory of an agent', () => {
  let repository: TestRepository;
  let provider: GitWorkspaces;
  let workspace: Workspace;
  let directory: string;
  let canary: string;
  let program: string;
  /** For those who talk to it: it does not listen. */
  let deaf: string;
  const base = () => ({ repository: { url: repository.bare, target: 'main' }, inputs: [] });
  const open = async (made: GitWorkspaces): Promise<void> => {
    provider = made;
    workspace = await provider.open({ name: 'task', base: base(), signal });
    directory = workspace.directory ?? '';
  };
  beforeEach(async () => {
    repository = await makeRepository();
    canary = join(repository.root, 'canary');
    program = join(repository.root, 'program');
    await writeFile(program, `#!/bin/sh\ntouch ${canary}\ncat "$@" 2>/dev/null\n`);
    deaf = join(repository.root, 'deaf');
    await writeFile(deaf, `#!/bin/sh\ntouch ${canary}\nexit 1\n`);
    await Promise.all([chmod(program, 0o755), chmod(deaf, 0o755)]);
    await open(repository.workspaces('root'));
  });
  afterEach(() => repository.dispose());

  const collect = () => workspace.collect({ write_set: ['**'], write_set_exclude: [], output: null, message: 'A change' });
  /** All that the host does after an agent. */
  const hostDoesAll = async (): Promise<readonly string[]> => {
    const collected = await collect();
    if (collected.status !== 'collected') throw new Error(`it was ${JSON.stringify(collected)}`);
    const { change } = collected;
    await workspace.check(criterion(['true']), signal);
    const review = await provider.open({ name: 'review', base: base(), signal });
    await review.apply(change.artifact);
    await provider.paths(change.artifact);
    await provider.diff(change.artifact, 10_000);
    const { artifact, tree, base_commit: expected_base } = change;
    const target = base().repository;
    await provider.land({
      repository: target,
      artifact,
      tree,
      expected_base,
      message: 'x',
      trailers: { 'Baton-Mission': 'x' },
      signal,
    });
    return change.files;
  };
  const set = (key: string, value: string) => ownerGit(directory, 'config', '--local', key, value);
  const attributes = (text: string) => writeFile(join(directory, '.git/info/attributes'), text);
  const hook = async (name: string): Promise<void> => {
    await mkdir(join(directory, '.git/hooks'), { recursive: true });
    await writeFile(join(directory, '.git/hooks', name), `#!/bin/sh\ntouch ${canary}\n`);
    await chmod(join(directory, '.git/hooks', name), 0o755);
  };

  const baits: Readonly<Record<string, { readonly lay: () => Promise<unknown>; readonly take: () => Promise<unknown> }>> = {
    'a file system monitor': { lay: () => set('core.fsmonitor', program), take: () => ownerGit(directory, 'status') },
    'a hook': { lay: () => hook('pre-commit'), take: () => ownerGit(directory, 'commit', '--all', '-m', 'x') },
    'a directory of hooks': {
      lay: async () => {
        await hook('post-index-change');
        await set('core.hooksPath', join(directory, '.git/hooks'));
      },
      take: () => ownerGit(directory, 'add', '.'),
    },
    'a filter': {
      lay: async () => {
        await attributes('* filter=evil\n');
        await set('filter.evil.clean', program);
        await set('filter.evil.smudge', program);
      },
      take: () => ownerGit(directory, 'add', '.'),
    },
    'a process as a filter': {
      lay: async () => {
        await attributes('* filter=evil\n');
        await set('filter.evil.process', deaf);
      },
      take: () => ownerGit(directory, 'add', '.').catch(() => undefined),
    },
    'an external diff': { lay: () => set('diff.external', deaf), take: () => ownerGit(directory, 'diff').catch(() => undefined) },
    'a text conversion': {
      lay: async () => {
        await attributes('* diff=evil\n');
        await set('diff.evil.textconv', program);
      },
      take: () => ownerGit(directory, 'diff'),
    },
    'a program for ssh': {
      lay: () => set('core.sshCommand', deaf),
      take: () => ownerGit(directory, 'ls-remote', 'ssh://nowhere.invalid/x').catch(() => undefined),
    },
    'another place for the repository, which is a command': {
      lay: async () => {
        await set('protocol.ext.allow', 'always');
        await set(`url.ext::${deaf}.insteadOf`, repository.bare);
      },
      take: () => ownerGit(directory, 'ls-remote', repository.bare).catch(() => undefined),
    },
    'an included file': {
      lay: async () => {
        await writeFile(join(directory, '.git/more'), `[core]\n\tfsmonitor = ${program}\n`);
        await set('include.path', 'more');
      },
      take: () => ownerGit(directory, 'status'),
    },
  };

  it.each(Object.keys(baits))('%s is not taken', async (name) => {
    const bait = baits[name];
    await writeFiles(directory, { 'README.md': 'changed\n', 'a.txt': 'a\n' });
    await bait?.lay();
    await bait?.take();
    expect(existsSync(canary)).toBe(true);
    await rm(canary);
    expect(await hostDoesAll()).toEqual(['README.md', 'a.txt']);
    expect(existsSync(canary)).toBe(false);
  });

  it('names that look like options or commands are names', async () => {
    const names = [
      '--output=x',
      '-rf',
      `--upload-pack=${program.replaceAll('/', '_')}`,
      ':(top)x',
      '$(touch canary)',
      '; touch canary',
    ];
    await writeFiles(directory, Object.fromEntries(names.map((name) => [name, 'x\n'])));
    const head = (await readFile(join(directory, '.git/HEAD'), 'utf8')).replace('ref: ', '').trim();
    const commit = await readFile(join(directory, '.git', head), 'utf8');
    await writeFile(join(directory, '.git/refs/heads', `--upload-pack=${program.replaceAll('/', '_')}`), commit);
    expect([...(await hostDoesAll())].toSorted()).toEqual(names.toSorted());
    expect(existsSync(canary)).toBe(false);
  });

  it('a repository without a .git is refused by name: git in a checkout of it would obey it', async () => {
    const place = join(directory, 'docs/fixture');
    await exec('git', ['init', '--quiet', '--bare', place]);
    await ownerGit(repository.root, 'config', '--file', join(place, 'config'), 'core.fsmonitor', program);
    await ownerGit(repository.root, 'config', '--file', join(place, 'config'), 'core.bare', 'false');
    await ownerGit(repository.root, 'config', '--file', join(place, 'config'), 'core.worktree', '..');
    await Promise.all(['objects', 'refs'].map((part) => writeFile(join(place, part, 'keep'), '')));
    await rm(join(place, 'hooks'), { recursive: true, force: true });
    await ownerGit(place, 'status').catch(() => undefined);
    expect(existsSync(canary)).toBe(true);
    const collected = await collect();
    expect(collected).toMatchObject({ status: 'refused' });
    const paths = collected.status === 'refused' ? collected.paths : [];
    expect(paths).toEqual(expect.arrayContaining(['docs/fixture/HEAD', 'docs/fixture/config', 'docs/fixture/objects/keep']));
    expect(paths.every((path) => path.startsWith('docs/fixture/'))).toBe(true);
  });

  it('pipes and sockets are refused by name, also in place of a file that was there', async () => {
    await exec('mkfifo', [join(directory, 'pipe')]);
    await rm(join(directory, 'README.md'));
    await exec('mkfifo', [join(directory, 'README.md')]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(directory, 'socket'), resolve));
    try {
      expect(await collect()).toEqual({ status: 'refused', paths: ['README.md', 'pipe', 'socket'] });
    } finally {
      server.close();
    }
  });

  it('a hard link to a file outside is refused by name, and what it holds is not kept', async () => {
    const outside = join(repository.root, 'secret');
    await writeFile(outside, 'a secret\n');
    await link(outside, join(directory, 'harmless.txt'));
    expect(await collect()).toEqual({ status: 'refused', paths: ['harmless.txt'] });
    await rm(join(directory, 'harmless.txt'));
    await writeFile(join(directory, 'harmless.txt'), 'no secret\n');
    expect(await collect()).toMatchObject({ status: 'collected' });
  });

  it.each([
    ['a file with a NUL byte', 'x.bin', Buffer.from('\0 token=canary-of-this-service\n')],
    ['a file that attributes call binary', 'x.dat', Buffer.from('token=canary-of-this-service\n')],
    ['a file that attributes show no difference of', 'x.lock', Buffer.from('token=canary-of-this-service\n')],
    [
      'the middle of a large file',
      'x.big',
      Buffer.concat([Buffer.alloc(3_000_001), Buffer.from('canary-of-this-service'), Buffer.alloc(9)]),
    ],
  ])('a secret of ours is found in %s', async (_, path, content) => {
    await repository.commitElsewhere({ '.gitattributes': '*.dat binary\n*.lock -diff\n' });
    const guarded = redactor({ environment: { A_TOKEN: 'canary-of-this-service' }, names: [], values: [] });
    await open(repository.workspaces('guarded', { redactor: guarded }));
    await writeFile(join(directory, path), content);
    await writeFiles(directory, { 'harmless.txt': 'no secret\n' });
    await expect(collect()).rejects.toMatchObject({
      failure_class: 'policy',
      message: expect.stringContaining(`${path}); it was not kept`),
    });
    await rm(join(directory, path));
    expect(await collect()).toMatchObject({ status: 'collected' });
  });

  it('a change that holds a secret of ours is refused with its file, and is not kept', async () => {
    const secret = 'canary-of-this-service';
    const guarded = redactor({ environment: { A_TOKEN: secret }, names: [], values: [] });
    await open(repository.workspaces('guarded', { redactor: guarded }));
    const kept = repository.artifacts.calls.put;
    for (const text of [secret, Buffer.from(secret).toString('base64')]) {
      await writeFiles(directory, { 'docs/notes.md': `see ${text}\n` });
      await expect(collect()).rejects.toMatchObject({
        failure_class: 'policy',
        message: expect.stringContaining('docs/notes.md'),
      });
    }
    await rm(join(directory, 'docs'), { recursive: true });
    await writeFiles(directory, { [`${secret}.txt`]: 'x\n' });
    const refusal = await collect().catch((error: Error) => error.message);
    expect(refusal).toContain('in the name of a file');
    expect(refusal).not.toContain(secret);
    expect(repository.artifacts.calls.put).toBe(kept);
    // Without the guard it is kept.
    await open(repository.workspaces('unguarded'));
    await writeFiles(directory, { 'docs/notes.md': `see ${secret}\n` });
    expect(await collect()).toMatchObject({ status: 'collected' });
    expect(repository.artifacts.calls.put).toBe(kept + 1);
  });
});
