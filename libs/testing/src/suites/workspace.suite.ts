/** What every WorkspaceProvider promises: made here, looked at there, integrated elsewhere, landed once. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { changeSchema, receiptSchema, type Change, type Check, type Criterion, type WorkspaceBase } from '@baton/contracts';
import type { Workspace, WorkspaceProvider } from '@baton/ports';
import type { MemoryArtifacts } from '../memory-artifacts.ts';

export interface WorkspaceSetup {
  readonly provider: WorkspaceProvider;
  /** Another of the same kind that shares nothing but the artifacts and the target: another service on another machine. */
  readonly elsewhere: WorkspaceProvider;
  readonly artifacts: MemoryArtifacts;
  readonly repository: WorkspaceBase['repository'];
  /** Does what an agent would do to deliver `text` as document `number`; returns its output, where that is the deliverable. */
  readonly write: (workspace: Workspace, number: number, text: string) => Promise<string | null>;
  readonly dispose: () => Promise<void>;
}

const signal = new AbortController().signal;
const TRAILERS = { 'Baton-Mission': 'm-1', 'Baton-Attempt': '1' };

export const criterion = (run: Check['run'] | null, rest: Partial<Check> = {}): Criterion => ({
  id: 'holds',
  statement: 'It holds',
  ...(run === null ? {} : { check: { run, timeout_ms: 60_000, ...rest } }),
});

export function keepsWorkspaceContract(setUp: () => Promise<WorkspaceSetup>): void {
  describe('keeps the contract of a workspace', () => {
    let setup: WorkspaceSetup;
    let opened: Workspace[];
    beforeEach(async () => {
      opened = [];
      setup = await setUp();
    });
    afterEach(async () => {
      await Promise.all(opened.map((workspace) => workspace.discard()));
      await setup.dispose();
    });

    const open = async (inputs: readonly string[] = [], provider = setup.provider): Promise<Workspace> => {
      const workspace = await provider.open({
        name: `work-${String(opened.length)}`,
        base: { repository: setup.repository, inputs: [...inputs] },
        signal,
      });
      opened.push(workspace);
      return workspace;
    };
    const collect = async (workspace: Workspace, output: string | null): Promise<Change> => {
      const collected = await workspace.collect({ write_set: ['**'], write_set_exclude: [], output, message: 'A change' });
      if (collected.status !== 'collected') throw new Error(`it was ${collected.status}`);
      return changeSchema.parse(collected.change);
    };
    const make = async (
      number: number,
      text: string,
      inputs: readonly string[] = [],
    ): Promise<{ workspace: Workspace; change: Change }> => {
      const workspace = await open(inputs);
      return { workspace, change: await collect(workspace, await setup.write(workspace, number, text)) };
    };
    const land: Land = (change, provider = setup.provider, look_only = false) =>
      provider.land({
        repository: setup.repository,
        artifact: change.artifact,
        expected_base: change.base_commit,
        tree: change.tree,
        message: 'Deliver',
        trailers: TRAILERS,
        look_only,
        signal,
      });

    describeChanges({ open, make, collect, setup: () => setup });
    describeChecks({ make });

    describeLandings({ make, land, setup: () => setup });

    it('may be discarded twice', async () => {
      const { workspace } = await make(1, 'gone');
      await workspace.discard();
      await workspace.discard();
    });
  });
}

interface Steps {
  readonly open: (inputs?: readonly string[], provider?: WorkspaceProvider) => Promise<Workspace>;
  readonly make: (number: number, text: string, inputs?: readonly string[]) => Promise<{ workspace: Workspace; change: Change }>;
  readonly collect: (workspace: Workspace, output: string | null) => Promise<Change>;
  readonly setup: () => WorkspaceSetup;
}

function describeChanges({ open, make, collect, setup }: Steps): void {
  it('calls nothing done empty', async () => {
    const workspace = await open();
    expect(await workspace.collect({ write_set: ['**'], write_set_exclude: [], output: null, message: 'Nothing' })).toEqual({
      status: 'empty',
    });
  });

  it('stores the change as an artifact from which its paths and its text can be read', async () => {
    const { change } = await make(1, 'first line\nsecond line\n');
    expect(change.tree).not.toBe(change.base_tree);
    expect(change).toMatchObject({ insertions: 2, deletions: 0 });
    expect(await setup().elsewhere.paths(change.artifact)).toEqual(change.files);
    expect(await setup().elsewhere.diff(change.artifact, 100_000)).toContain('second line');
    expect(Buffer.byteLength(await setup().elsewhere.diff(change.artifact, 10))).toBeLessThanOrEqual(10);
  });

  it('is the same tree wherever the change is applied', async () => {
    const { change } = await make(1, 'the same');
    const looked_at = await open([], setup().elsewhere);
    await looked_at.apply(change.artifact);
    expect(await collect(looked_at, null)).toEqual(change);
  });

  it('builds on accepted work without claiming it', async () => {
    const before = await make(1, 'accepted before');
    const { change } = await make(2, 'built on it', [before.change.artifact]);
    expect(change.base_tree).toBe(before.change.tree);
    expect(await setup().provider.diff(change.artifact, 100_000)).not.toContain('accepted before');
  });

  it('integrates the work of several tasks into one change', async () => {
    const first = await make(1, 'of the first task');
    const second = await make(2, 'of the second task', [first.change.artifact]);
    const integrated = await open([], setup().elsewhere);
    await integrated.apply(first.change.artifact);
    await integrated.apply(second.change.artifact);
    const change = await collect(integrated, null);
    expect(change.tree).toBe(second.change.tree);
    const text = await setup().provider.diff(change.artifact, 100_000);
    expect(text).toContain('of the first task');
    expect(text).toContain('of the second task');
  });

  it('does not open for a stopped piece of work', async () => {
    const base = { repository: setup().repository, inputs: [] };
    await expect(setup().provider.open({ name: 'stopped', base, signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'WorkspaceProblem',
      failure_class: 'transient',
    });
  });
}

function describeChecks({ make }: Pick<Steps, 'make'>): void {
  const checked = async (run: Check['run'] | null, rest: Partial<Check> = {}, stop = signal) => {
    const { workspace, change } = await make(1, 'looked at');
    const receipt = receiptSchema.parse(await workspace.check(criterion(run, rest), stop));
    expect(receipt).toMatchObject({ criterion_id: 'holds', tree: change.tree, command: run ?? [] });
    return receipt;
  };

  it('mints a receipt with the exit code and the end of the output', async () => {
    expect(await checked(['sh', '-c', 'echo to one; echo to the other >&2; exit 3'])).toMatchObject({
      exit_code: 3,
      output_tail: expect.stringMatching(/to one[^]*to the other/),
    });
  });

  it('mints a receipt for a criterion without a command', async () => {
    expect(await checked(null)).toMatchObject({ exit_code: 0 });
  });

  it.each<[string, Check['run'], Partial<Check>, RegExp]>([
    ['on PATH', ['no-such-program-anywhere'], {}, /no-such-program-anywhere: not found; install it where checks run/],
    ['of the system', ['/no/such/program'], {}, /\/no\/such\/program: not found/],
    ['beside the tree', ['../program'], {}, /\.\.\/program: not found/],
    ['in a directory outside', ['true'], { in: 'a/../..' }, /in: "a\/\.\.\/\.\." is outside the tree; correct/],
  ])('takes a program that no agent can bring along for no finding: %s', async (_where, run, rest, message) => {
    await expect(checked(run, rest)).rejects.toMatchObject({
      name: 'WorkspaceProblem',
      failure_class: 'semantic',
      message: expect.stringMatching(message),
    });
  });

  it.each<[string, Check['run'], Partial<Check>, string]>([
    ['the program', ['./no-such-program'], {}, 'no-such-program: not found'],
    ['the directory', ['true'], { in: 'nowhere' }, 'no directory "nowhere"'],
  ])('says so when the tree lacks %s', async (_what, run, rest, text) => {
    expect(await checked(run, rest)).toMatchObject({ exit_code: 127, output_tail: expect.stringContaining(text) });
  });

  it('ends a check that runs too long', async () => {
    expect(await checked(['sh', '-c', 'trap "" TERM; echo begun; sleep 100 & wait'], { timeout_ms: 300 })).toMatchObject({
      exit_code: 124,
      output_tail: expect.stringContaining('timeout_ms'),
    });
  });

  it('mints no receipt for a check that was stopped', async () => {
    await expect(checked(['true'], {}, AbortSignal.abort())).rejects.toMatchObject({
      name: 'WorkspaceProblem',
      failure_class: 'transient',
    });
  });
}

type Land = (change: Change, provider?: WorkspaceProvider, look_only?: boolean) => ReturnType<WorkspaceProvider['land']>;

function describeLandings({ make, land, setup }: Pick<Steps, 'make' | 'setup'> & { readonly land: Land }): void {
  it('lands the tested tree, once', async () => {
    const { change } = await make(1, 'landed');
    const first = await land(change);
    expect(first).toMatchObject({ status: 'landed', tree: change.tree });
    expect(await land(change)).toEqual(first);
    expect(await land(change, setup().elsewhere)).toEqual(first);
  });

  it('lands nothing when it is only asked to look', async () => {
    const { change } = await make(1, 'looked for');
    expect(await land(change, setup().provider, true)).toEqual({ status: 'absent' });
    expect(await land(change, setup().elsewhere, true)).toEqual({ status: 'absent' });
    expect(await land(change)).toMatchObject({ status: 'landed', tree: change.tree });
  });

  it('does not land a tree that the artifact does not make', async () => {
    const [{ change }, other] = [await make(1, 'tested'), await make(1, 'not tested')];
    await expect(land({ ...change, artifact: other.change.artifact })).rejects.toMatchObject({
      name: 'WorkspaceProblem',
      failure_class: 'semantic',
    });
  });
}
