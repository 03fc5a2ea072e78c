import { readFile } from 'node:fs/promises';
import type { Delivery, StoredEvent } from '@baton/contracts';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { digest, MISSION, ownerGit, writeFiles } from '@baton/testing';
import { bench, type Bench } from './bench.ts';

const LINES = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];
/** The same nine lines with some of them changed. */
const nine = (changed: Readonly<Record<string, string>> = {}): string =>
  LINES.map((line) => `${changed[line] ?? line}\n`).join('');
const TO_GATE = ['IntegrationStarted', 'IntegrationTested', 'ReleaseProposed'];
const TO_MAIN = ['ReleaseQueued', 'ReleaseLanded', 'ReleaseVerified'];

/** Many git processes in each; a busy machine takes its time. */
jest.setTimeout(60_000);

describe('the release service', () => {
  let on: Bench;
  beforeEach(async () => {
    on = await bench({ 'README.md': 'A project\n', 'nine.txt': nine() });
  });
  afterEach(() => on.dispose());

  const delivery = (script: string): Delivery => ({
    title: 'Two files',
    requested_by: 'alice',
    repository: on.repository,
    criteria: [{ id: 'both', statement: 'both files are there', check: { run: ['sh', '-c', script], timeout_ms: 10_000 } }],
    rollback: 'revert the commit',
    risk: 'low',
    contract_digest: digest('c'),
  });
  const integrated = async (
    accepted: readonly Awaited<ReturnType<Bench['artifact']>>[],
    script: string,
    { mission_id = MISSION, repository = on.repository } = {},
  ): Promise<readonly string[]> => {
    const data = { mission_id, delivery: { ...delivery(script), repository }, accepted: [...accepted] };
    await on.deliver(await on.recorded({ type: 'PlanCompleted', data }, `plan-${mission_id}`));
    await on.workEnds();
    return on.types(mission_id);
  };
  const completed = async (
    changes: readonly Readonly<Record<string, string>>[],
    { mission_id = MISSION, script = 'cat one.txt two.txt' } = {},
  ): Promise<readonly string[]> => {
    const accepted = [];
    for (const [index, files] of changes.entries()) accepted.push(await on.artifact(`task-${String(index + 1)}`, files));
    return integrated(accepted, script, { mission_id });
  };
  const twoFiles = (): Promise<readonly string[]> => completed([{ 'one.txt': 'one\n' }, { 'two.txt': 'two\n' }]);
  const gatePassed = async (mission_id = MISSION): Promise<StoredEvent> => {
    const { revision, content_digest } = await on.last(mission_id, 'ReleaseProposed');
    const policy = { id: 'p', version: '1', digest: digest('d'), rule: 'low', input_digest: digest('e') };
    const by = { kind: 'person', id: 'bob' } as const;
    const data = { mission_id, revision, content_digest, tier: 'gate', policy, by } as const;
    return on.recorded({ type: 'GatePassed', data }, `gate-${mission_id}.${String(revision)}`);
  };
  const pass = async (mission_id = MISSION): Promise<readonly string[]> => {
    await on.deliver(await gatePassed(mission_id));
    await on.workEnds();
    return on.types(mission_id);
  };

  it('puts the tasks together, tests exactly that, and asks before anything lands', async () => {
    expect(await twoFiles()).toEqual(TO_GATE);
    const { change, receipts } = await on.last(MISSION, 'IntegrationTested');
    expect(change).toMatchObject({ files: ['one.txt', 'two.txt'], base_commit: await on.main('%H') });
    expect(receipts).toMatchObject([{ criterion_id: 'both', exit_code: 0, tree: change.tree }]);
    expect(receipts.at(0)?.output_tail).toMatch(/one\ntwo/);
    expect(await on.last(MISSION, 'ReleaseProposed')).toMatchObject({
      revision: 1,
      change,
      checks: [{ criterion_id: 'both', exit_code: 0 }],
    });
    expect(await on.commits()).toBe(1);
  });

  it('lands the tested tree in one commit that says which mission it is', async () => {
    await twoFiles();
    const { change } = await on.last(MISSION, 'IntegrationTested');
    expect(await pass()).toEqual([...TO_GATE, ...TO_MAIN]);
    const { commit, tree, content_digest } = await on.last(MISSION, 'ReleaseLanded');
    expect(await on.main('%H %T %P')).toBe(`${commit} ${change.tree} ${change.base_commit}`);
    expect(tree).toBe(change.tree);
    expect(await on.main('%(trailers:only,unfold)')).toBe(`Baton-Mission: ${MISSION}\nBaton-Content: ${content_digest}`);
    expect(await on.main('%s')).toBe('Two files');
    expect(on.faults).toEqual([]);
  });

  it('does not land by a gate that the log does not hold, however it came by bus', async () => {
    await twoFiles();
    const real = await gatePassed();
    // Of a person who was never asked, and in the place of the true one.
    const forged = { ...real, data: real.data.replace('bob', 'eve') };
    for (const event of [forged, { ...real, position: real.position + 1 }]) await on.deliver(event);
    expect(await on.types(MISSION)).toEqual(TO_GATE);
    expect((await on.letters()).map(({ reason, stream }) => [reason, stream])).toEqual([
      ['forged-event', null],
      ['forged-event', null],
    ]);
    expect(await on.commits()).toBe(1);
    await on.deliver(real);
    await on.workEnds();
    expect(await on.types(MISSION)).toEqual([...TO_GATE, ...TO_MAIN]);
  });

  it('tests again on a target that moved, and lands the same diff without a second question', async () => {
    await twoFiles();
    const first = await on.last(MISSION, 'IntegrationTested');
    const moved_to = await on.commitElsewhere({ 'README.md': 'A better project\n' });
    expect(await pass()).toEqual([
      ...TO_GATE,
      'ReleaseQueued',
      'TargetMoved',
      'IntegrationStarted',
      'IntegrationTested',
      ...TO_MAIN,
    ]);
    expect(await on.last(MISSION, 'TargetMoved')).toMatchObject({ revision: 1, target_commit: moved_to });
    const { change, receipts, revision } = await on.last(MISSION, 'IntegrationTested');
    expect({ revision, artifact: change.artifact, base: change.base_commit }).toEqual({
      revision: 2,
      artifact: first.change.artifact,
      base: moved_to,
    });
    expect(change.tree).not.toBe(first.change.tree);
    expect(receipts).toMatchObject([{ exit_code: 0, tree: change.tree }]);
    expect(await on.main('%T %P')).toBe(`${change.tree} ${moved_to}`);
    expect(await on.fileOnMain('README.md')).toBe('A better project');
  });

  it('asks again where the target moved so that the diff is another', async () => {
    await completed([{ 'nine.txt': nine({ 1: 'one' }) }], { script: 'grep one nine.txt' });
    const approved = await on.last(MISSION, 'ReleaseProposed');
    await on.commitElsewhere({ 'nine.txt': nine({ 9: 'nine' }) });
    expect(await pass()).toEqual([...TO_GATE, 'ReleaseQueued', 'TargetMoved', ...TO_GATE]);
    const asked = await on.last(MISSION, 'ReleaseProposed');
    expect(asked.revision).toBe(2);
    expect(asked.content_digest).not.toBe(approved.content_digest);
    expect(await on.commits()).toBe(2);
    // While the question is open nobody has to wait for its answer.
    await completed([{ 'two.txt': 'two\n' }], { mission_id: 'm-2', script: 'cat two.txt' });
    expect((await pass('m-2')).slice(-TO_MAIN.length)).toEqual(TO_MAIN);
    expect((await pass()).slice(-TO_MAIN.length)).toEqual(TO_MAIN);
    expect(await on.fileOnMain('nine.txt')).toBe(nine({ 1: 'one', 9: 'nine' }).trim());
  });

  it('lands what the tasks changed and nothing else, where attributes were pushed after they were done', async () => {
    await on.commitElsewhere({ 'win.txt': 'one\r\n', 'mixed.sql': 'select 1;\r\nselect 2;\n' });
    const accepted = [await on.artifact('task-1', { 'app.js': 'x\n' })];
    await on.commitElsewhere({ '.gitattributes': '*.txt text\n*.sql text eol=lf\n' });
    expect(await integrated(accepted, 'cat app.js')).toEqual(TO_GATE);
    expect(await on.last(MISSION, 'IntegrationTested')).toMatchObject({ change: { files: ['app.js'] } });
  });

  it('fails where there is more than the tasks changed, and names it', async () => {
    on.strays({ 'nobody.txt': 'x\n' });
    expect(await twoFiles()).toEqual(['IntegrationStarted', 'ReleaseFailed']);
    expect(await on.last(MISSION, 'ReleaseFailed')).toMatchObject({
      failure_class: 'policy',
      reason: expect.stringMatching(/what no task changed: nobody\.txt$/),
    });
  });

  it('runs a check that was killed or ran out of time once more, and only once', async () => {
    const runs = `${on.repository.url}.runs`;
    const dies = (times: number): string =>
      `echo run >> '${runs}'; test "$(wc -l < '${runs}')" -gt ${times} || kill -9 $$; cat one.txt two.txt; wc -l < '${runs}'`;
    const files: Readonly<Record<string, string>>[] = [{ 'one.txt': 'one\n' }, { 'two.txt': 'two\n' }];
    expect(await completed(files, { script: dies(1) })).toEqual(TO_GATE);
    expect((await on.last(MISSION, 'IntegrationTested')).receipts).toMatchObject([{ exit_code: 0 }]);
    const types = await completed(files, { mission_id: 'm-2', script: dies(9) });
    expect(types).toEqual(['IntegrationStarted', 'IntegrationTested', 'ReleaseFailed']);
    expect((await on.last('m-2', 'ReleaseFailed')).receipts).toMatchObject([{ exit_code: 137 }]);
    expect((await readFile(runs, 'utf8')).trim().split('\n')).toHaveLength(4);
  });

  it('fails where a criterion does not hold on the integrated tree', async () => {
    const types = await completed([{ 'one.txt': 'one\n' }, { 'two.txt': 'two\n' }], { script: 'test ! -e one.txt' });
    expect(types).toEqual(['IntegrationStarted', 'IntegrationTested', 'ReleaseFailed']);
    const { change } = await on.last(MISSION, 'IntegrationTested');
    expect(await on.last(MISSION, 'ReleaseFailed')).toMatchObject({
      failure_class: 'semantic',
      reason: expect.stringContaining('both files are there'),
      receipts: [{ criterion_id: 'both', exit_code: 1, tree: change.tree }],
    });
    expect(await on.commits()).toBe(1);
  });

  it('fails where the tasks do not fit together, and names the paths', async () => {
    const types = await completed([{ 'nine.txt': nine({ 5: 'five' }) }, { 'nine.txt': nine({ 5: 'cinq' }) }]);
    expect(types).toEqual(['IntegrationStarted', 'ReleaseFailed']);
    expect(await on.last(MISSION, 'ReleaseFailed')).toMatchObject({
      failure_class: 'semantic',
      reason: expect.stringContaining('nine.txt'),
      receipts: [],
    });
    expect(await on.commits()).toBe(1);
  });

  it('lands once, however often it hears that the gate passed', async () => {
    await twoFiles();
    const stored = await gatePassed();
    await Promise.all([on.deliver(stored, 1), on.deliver(stored, 2)]);
    await on.workEnds();
    await on.deliver(stored, 3);
    await on.workEnds();
    expect(await on.types(MISSION)).toEqual([...TO_GATE, ...TO_MAIN]);
    expect(await on.commits()).toBe(2);
  });

  const DELAYED = [...TO_GATE, 'ReleaseQueued', 'ReleaseDelayed'];
  const cancelled = async (): Promise<readonly string[]> => {
    const data = { mission_id: MISSION, reason: 'not needed' };
    await on.deliver(await on.recorded({ type: 'PlanCancelled', data }, `plan-${MISSION}`));
    await on.workEnds();
    return on.types(MISSION);
  };
  const later = async (): Promise<readonly string[]> => {
    await on.pass((await on.last(MISSION, 'ReleaseDelayed')).after_ms);
    await on.workEnds();
    return on.types(MISSION);
  };

  it('finds what it landed when the remote goes away right after it took the push, and comes back', async () => {
    await twoFiles();
    await on.remote.leavesAfterPush();
    expect(await pass()).toEqual(DELAYED);
    expect(await on.last(MISSION, 'ReleaseDelayed')).toMatchObject({ step: 'land', reason: expect.stringContaining('fetch') });
    expect(await later()).toEqual([...DELAYED, 'ReleaseResumed', 'ReleaseDelayed']);
    await on.remote.comesBack();
    expect(await later()).toEqual([...DELAYED, 'ReleaseResumed', 'ReleaseDelayed', 'ReleaseResumed', ...TO_MAIN.slice(1)]);
    expect(await on.commits()).toBe(2);
    expect(await on.main('%H')).toBe((await on.last(MISSION, 'ReleaseLanded')).commit);
  });

  it('lands what was approved when the remote, away since before the push, comes back', async () => {
    await twoFiles();
    await on.remote.leaves();
    expect(await pass()).toEqual(DELAYED);
    await on.remote.comesBack();
    expect(await later()).toEqual([...DELAYED, 'ReleaseResumed', ...TO_MAIN.slice(1)]);
    expect(await on.commits()).toBe(2);
  });

  it('waits for who works in the checkout that it lands on, and lands once nothing is in the way', async () => {
    const { directory, repository } = on.checkout;
    const accepted = [await on.artifact('task-1', { 'one.txt': 'one\n' })];
    expect(await integrated(accepted, 'cat one.txt', { repository })).toEqual(TO_GATE);
    await writeFiles(directory, { 'README.md': 'being edited\n' });
    expect(await pass()).toEqual(DELAYED);
    expect((await on.last(MISSION, 'ReleaseDelayed')).reason).toMatch(
      /uncommitted changes on branch "main"; commit or stash.*: README\.md/,
    );
    await ownerGit(directory, 'stash', '--quiet');
    await writeFiles(directory, { 'one.txt': 'mine\n' });
    expect(await later()).toEqual([...DELAYED, 'ReleaseResumed', 'ReleaseDelayed']);
    expect((await on.last(MISSION, 'ReleaseDelayed')).reason).toMatch(/does not track.*by itself: one\.txt/);
    await ownerGit(directory, 'stash', '--quiet', '--include-untracked');
    expect((await later()).slice(-3)).toEqual(['ReleaseResumed', ...TO_MAIN.slice(1)]);
    expect(await ownerGit(directory, 'show', 'main:one.txt')).toBe('one');
  });

  it('does not land what is cancelled while the remote is away, and tells of what had landed before', async () => {
    await twoFiles();
    await on.remote.leaves();
    await pass();
    expect(await cancelled()).toEqual([...DELAYED, 'ReleaseCancelRequested', 'ReleaseDelayed']);
    await on.remote.comesBack();
    expect((await later()).slice(-2)).toEqual(['ReleaseResumed', 'ReleaseCancelled']);
    expect(await on.commits()).toBe(1);
  });

  it('tells of a landing although it is cancelled while nobody can see it', async () => {
    await twoFiles();
    await on.remote.leavesAfterPush();
    await pass();
    await on.remote.comesBack();
    expect(await cancelled()).toEqual([...DELAYED, 'ReleaseCancelRequested', ...TO_MAIN.slice(1)]);
    expect(await on.commits()).toBe(2);
  });

  it('lands two missions on one target one after the other', async () => {
    await completed([{ 'one.txt': 'one\n' }], { mission_id: 'm-1', script: 'cat one.txt' });
    await completed([{ 'two.txt': 'two\n' }], { mission_id: 'm-2', script: 'cat two.txt' });
    const passed = [await gatePassed('m-1'), await gatePassed('m-2')];
    await Promise.all(passed.map((stored) => on.deliver(stored)));
    await on.workEnds();
    expect((await on.types('m-1')).at(-1)).toBe('ReleaseVerified');
    expect((await on.types('m-2')).at(-1)).toBe('ReleaseVerified');
    expect([await on.fileOnMain('one.txt'), await on.fileOnMain('two.txt'), await on.commits()]).toEqual(['one', 'two', 3]);
    expect(on.faults).toEqual([]);
  });
});
