import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { criterion, keepsWorkspaceContract, memoryArtifacts } from '@baton/testing';
import { openSandbox } from '@baton/workbench';
import { scratchWorkspaces } from './scratch-workspaces.ts';

const signal = new AbortController().signal;
const environment = { PATH: process.env['PATH'] };

const sandbox = openSandbox({ setting: 'preferred', network: 'none', readable: [], environment: process.env });

describe.each([
  ['scratch workspaces', {}],
  [`scratch workspaces whose checks run in ${sandbox.mode}`, { sandbox }],
])('%s', (_name, options) => {
  keepsWorkspaceContract(() => {
    const artifacts = memoryArtifacts();
    return Promise.resolve({
      provider: scratchWorkspaces({ artifacts, environment, ...options }),
      elsewhere: scratchWorkspaces({ artifacts, environment, ...options }),
      artifacts,
      repository: null,
      write: (_workspace, _number, text) => Promise.resolve(text),
      dispose: () => Promise.resolve(),
    });
  });
});

it('a check whose program bubblewrap hides is no finding, and runs where nothing hides it', async () => {
  const root = await mkdtemp(join(tmpdir(), 'hidden-'));
  try {
    for (const directory of ['bin', 'elsewhere']) await mkdir(join(root, directory));
    await writeFile(join(root, 'elsewhere', 'tool'), '#!/bin/sh\n');
    await chmod(join(root, 'elsewhere', 'tool'), 0o755);
    await symlink(join(root, 'elsewhere', 'tool'), join(root, 'bin', 'tool'));
    const hides = { PATH: `${join(root, 'bin')}:${environment.PATH ?? ''}` };
    const provider = scratchWorkspaces({ artifacts: memoryArtifacts(), environment: hides, sandbox });
    const workspace = await provider.open({ name: 'one', base: { repository: null, inputs: [] }, signal });
    await workspace.collect({ write_set: ['**'], write_set_exclude: [], output: 'A report', message: 'One' });
    const found = await workspace.check(criterion(['tool']), signal).catch((error: unknown) => error);
    const told = 'tool: hidden by the sandbox; name its directory in BATON_SANDBOX_READABLE';
    const hidden = { failure_class: 'semantic', message: expect.stringContaining(told) as unknown };
    expect(found).toMatchObject(sandbox.mode === 'bubblewrap' ? hidden : { exit_code: 0 });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

describe('scratch workspaces', () => {
  const made = async (output: string) => {
    const artifacts = memoryArtifacts();
    const provider = scratchWorkspaces({ artifacts, environment });
    const workspace = await provider.open({ name: 'one', base: { repository: null, inputs: [] }, signal });
    const collected = await workspace.collect({ write_set: ['**'], write_set_exclude: [], output, message: 'One' });
    if (collected.status !== 'collected') throw new Error(`it was ${collected.status}`);
    return { artifacts, provider, workspace, change: collected.change };
  };

  it('delivers the one output as one document', async () => {
    const { change, provider } = await made('A report');
    expect(change.files).toEqual(['output']);
    expect(await provider.diff(change.artifact, 1_000)).toBe('A report');
  });

  it('finds an output of nothing but white space empty', async () => {
    const { workspace, change } = await made(' \n\t');
    expect(await workspace.check(criterion(null), signal)).toMatchObject({ exit_code: 1, tree: change.tree });
  });

  it('lets a command look at the output as a file, alone in its directory', async () => {
    const { workspace, artifacts } = await made('A report');
    const receipt = await workspace.check(criterion(['sh', '-c', 'ls; cat output']), signal);
    expect(await artifacts.text(receipt.output_digest)).toBe('output\nA report');
  });

  it('asks the store once for a whole task: everything after is remembered', async () => {
    const { workspace, change, provider, artifacts } = await made('A report');
    await workspace.check(criterion(null), signal);
    await provider.paths(change.artifact);
    await provider.diff(change.artifact, 1_000);
    await provider.land({
      repository: null,
      artifact: change.artifact,
      expected_base: change.base_commit,
      tree: change.tree,
      message: 'Deliver',
      trailers: {},
      signal,
    });
    expect(artifacts.calls).toEqual({ put: 1, get: 0 });
  });

  it('does not cut a character in two', async () => {
    const { change, provider } = await made('ééé');
    expect(await provider.diff(change.artifact, 3)).toBe('é');
  });

  it('names an artifact that is something else', async () => {
    const { artifacts, provider } = await made('A report');
    const patch = await artifacts.put(Buffer.from('diff --git a/x b/x\n'));
    await expect(provider.paths(patch)).rejects.toMatchObject({
      name: 'WorkspaceProblem',
      failure_class: 'semantic',
      message: expect.stringContaining(patch),
    });
  });
});
