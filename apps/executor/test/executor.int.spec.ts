import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Agent, Finding, Task, TaskEnvelope, WorkspaceBase } from '@baton/contracts';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { eventually, MISSION, ownerGit } from '@baton/testing';
import { bench, isRunning, type Bench } from './bench.ts';
import { check, DONE, RUN_MS_MAX, shell, task, TASK } from './task.fixture.ts';

const WITHIN = { within_ms: 20_000 };
const writing = (path: string): Agent => shell(`cat >/dev/null; echo two > ${path}; ${DONE}`);
const finding: Finding = {
  criterion_id: 'two',
  severity: 'blocking',
  statement: 'the second line is missing',
  evidence: 'exit code 1',
};

/** Many git processes in each; a busy machine takes its time. */
jest.setTimeout(60_000);

describe('the executor', () => {
  let on: Bench;
  beforeEach(async () => {
    on = await bench();
  });
  afterEach(() => on.dispose());

  const base = (url = on.repository): WorkspaceBase => ({ repository: { url, target: 'main' }, inputs: [] });
  const ready = (made: Task, from = base()): Promise<void> =>
    on.deliver({ type: 'TaskReady', data: { mission_id: MISSION, task: made, base: from } });
  const attempted = async (made: Task, from = base()): Promise<readonly string[]> => {
    await ready(made, from);
    await on.workEnds();
    return on.types(TASK);
  };
  /** Two processes that never end by themselves and do not listen to SIGTERM; they write who they are. */
  const hanging = (): Agent =>
    shell(
      `trap '' TERM; (echo $$ >/dev/null; exec sleep 1000) & echo $! > '${on.root}/child'; echo $$ > '${on.root}/parent.new'; mv '${on.root}/parent.new' '${on.root}/parent'; while :; do sleep 1000; done`,
    );
  const hangingPids = async (): Promise<readonly string[]> => {
    await eventually(() => existsSync(join(on.root, 'parent')), { ...WITHIN, what: 'the start of the agent' });
    return [(await on.file('parent')).trim(), (await on.file('child')).trim()];
  };
  const stillRunning = (pids: readonly string[]): Promise<boolean[]> => Promise.all(pids.map(isRunning));

  it('waits for a repository whose host is away, longer each time, and spends no attempt on it', async () => {
    const away = base('http://127.0.0.1:1/shop.git');
    const failed = ['AttemptFailed', 'RetryScheduled'];
    expect(await attempted(task(writing('src/two.txt'), { attempts_max: 1 }), away)).toEqual(['AttemptStarted', ...failed]);
    expect(await on.last(TASK, 'AttemptFailed')).toMatchObject({ failure_class: 'transient', began: false });
    await on.pass((await on.last(TASK, 'RetryScheduled')).after_ms);
    await on.workEnds();
    expect(await on.types(TASK)).toEqual(['AttemptStarted', ...failed, 'AttemptStarted', ...failed]);
    expect(await on.last(TASK, 'RetryScheduled')).toMatchObject({ attempt: 3, after_ms: 10_000 });
  });

  it('brings back the change and receipts for exactly the tree of it', async () => {
    expect(await attempted(task(writing('src/two.txt')))).toEqual(['AttemptStarted', 'AttemptSucceeded']);
    const { change, receipts, summary, attempt } = await on.last(TASK, 'AttemptSucceeded');
    expect({ files: change.files, insertions: change.insertions, deletions: change.deletions, summary, attempt }).toEqual({
      files: ['src/two.txt'],
      insertions: 1,
      deletions: 0,
      summary: 'It is written',
      attempt: 1,
    });
    expect(change.base_commit).toBe(await ownerGit(on.repository, 'rev-parse', 'main'));
    // The owner's own git makes the same tree of the same patch.
    await writeFile(join(on.root, 'patch'), await on.artifacts.get(change.artifact));
    await ownerGit(on.repository, 'apply', '--index', join(on.root, 'patch'));
    expect(change.tree).toBe(await ownerGit(on.repository, 'write-tree'));
    expect(receipts).toMatchObject([
      { criterion_id: 'two', command: ['sh', '-c', 'cat src/two.txt'], exit_code: 0, tree: change.tree },
    ]);
    expect(receipts.at(0)?.output_tail).toContain('two');
    expect([await on.workspacesLeft(), on.faults]).toEqual([[], []]);
  });

  it('makes a document where there is no repository', async () => {
    const agent: Agent = { runtime: 'scripted', output: 'The answer is two.' };
    const written = task(agent, { write_set: ['**'], acceptance: [{ id: 'two', statement: 'there is an answer' }] });
    expect(await attempted(written, { repository: null, inputs: [] })).toEqual(['AttemptStarted', 'AttemptSucceeded']);
    const { change, receipts } = await on.last(TASK, 'AttemptSucceeded');
    expect(Buffer.from(await on.artifacts.get(change.artifact)).toString()).toContain('The answer is two.');
    expect(receipts).toMatchObject([{ criterion_id: 'two', exit_code: 0, tree: change.tree }]);
  });

  it('gives the agent what the tasks before delivered, where there is no repository', async () => {
    const written = (agent: Agent, id: string) =>
      task(agent, { id, acceptance: [{ id: 'two', statement: 'there is an answer' }] });
    await attempted(written({ runtime: 'scripted', output: 'The answer is two.' }, TASK), { repository: null, inputs: [] });
    const { artifact } = (await on.last(TASK, 'AttemptSucceeded')).change;
    const said = JSON.stringify({ baton: 'result/v1', status: 'done', summary: 'Read', output: 'It is two.' });
    const reading = shell(`cat > '${on.root}/envelope'; echo '${said}'`);
    await attempted(written(reading, 'read'), { repository: null, inputs: [artifact] });
    expect(JSON.parse(await on.file('envelope'))).toMatchObject({ task_id: 'read', inputs: ['The answer is two.'] });
  });

  it('stops a task whose agent wrote outside its write-set, and names the path', async () => {
    const narrow = task(writing('README.md'), { write_set_exclude: ['src/secret/**'] });
    expect(await attempted(narrow)).toEqual(['AttemptStarted', 'AttemptFailed', 'TaskBlocked']);
    expect(await on.last(TASK, 'AttemptFailed')).toMatchObject({
      failure_class: 'policy',
      cause: expect.stringMatching(/\(src\/\*\* without src\/secret\/\*\*\).*README\.md/),
      output_tail: 'It is written',
    });
    expect(await on.last(TASK, 'TaskBlocked')).toMatchObject({
      failure_class: 'policy',
      reason: expect.stringContaining('README.md'),
    });
  });

  it('does not believe an agent that says done and changed nothing', async () => {
    expect(await attempted(task(shell(`cat >/dev/null; ${DONE}`)))).toEqual(['AttemptStarted', 'AttemptFailed', 'TaskBlocked']);
    expect(await on.last(TASK, 'AttemptFailed')).toMatchObject({
      failure_class: 'semantic',
      cause: expect.stringContaining('changed nothing'),
    });
  });

  it('ends an agent that hangs past its time, all of it, and tries again later', async () => {
    expect(await attempted(task(hanging(), { run_ms_max: 1_000 }))).toEqual([
      'AttemptStarted',
      'AttemptFailed',
      'RetryScheduled',
    ]);
    expect(await on.last(TASK, 'AttemptFailed')).toMatchObject({
      failure_class: 'transient',
      cause: expect.stringContaining('1000 ms'),
    });
    expect(await on.last(TASK, 'RetryScheduled')).toMatchObject({ attempt: 2, after_ms: expect.any(Number) });
    expect(await stillRunning(await hangingPids())).toEqual([false, false]);
    expect(await on.workspacesLeft()).toEqual([]);
  });

  it('records why an answer that is none was not taken, with the end of what was printed', async () => {
    expect(await attempted(task(shell('cat >/dev/null; echo two > src/two.txt; echo "{not json"; echo gibberish')))).toEqual([
      'AttemptStarted',
      'AttemptFailed',
      'TaskBlocked',
    ]);
    expect(await on.last(TASK, 'AttemptFailed')).toMatchObject({
      failure_class: 'semantic',
      cause: expect.stringContaining('no result line'),
      output_tail: expect.stringContaining('gibberish'),
    });
  });

  it('hands over a change whose acceptance check fails, with the receipt that says so', async () => {
    const failing = task(writing('src/two.txt'), { acceptance: check('grep three src/two.txt') });
    expect(await attempted(failing)).toEqual(['AttemptStarted', 'AttemptSucceeded']);
    const { change, receipts } = await on.last(TASK, 'AttemptSucceeded');
    expect(receipts).toMatchObject([{ criterion_id: 'two', exit_code: 1, tree: change.tree }]);
  });

  it('ends the agent of a task that is cancelled while it runs', async () => {
    await ready(task(hanging()));
    const pids = await hangingPids();
    expect(await stillRunning(pids)).toEqual([true, true]);
    await on.deliver({ type: 'PlanCancelRequested', data: { mission_id: MISSION, reason: 'not wanted', stop: [TASK] } });
    expect(await on.types(TASK)).toEqual(['AttemptStarted', 'TaskCancelled']);
    expect(await on.last(TASK, 'TaskCancelled')).toMatchObject({ task_id: TASK, reason: 'not wanted' });
    await on.workEnds();
    expect(await stillRunning(pids)).toEqual([false, false]);
    // What the ended attempt would have reported counts for nothing.
    expect(await on.types(TASK)).toEqual(['AttemptStarted', 'TaskCancelled']);
    expect(await on.workspacesLeft()).toEqual([]);
  });

  it('says which repository it could not find, and does not try again', async () => {
    const nowhere = join(on.root, 'nowhere.git');
    expect(await attempted(task(writing('src/two.txt')), base(nowhere))).toEqual([
      'AttemptStarted',
      'AttemptFailed',
      'TaskBlocked',
    ]);
    expect(await on.last(TASK, 'AttemptFailed')).toMatchObject({
      failure_class: 'semantic',
      cause: expect.stringContaining(nowhere),
    });
  });

  it('gives the agent the findings of the review of the attempt before', async () => {
    const agent = shell(`cat > '${on.root}/envelope'; echo two > src/two.txt; ${DONE}`);
    await attempted(task(agent, { write_set_exclude: ['src/secret/**'], non_goals: ['Rewriting one'] }));
    const envelope = async (): Promise<TaskEnvelope> => JSON.parse(await on.file('envelope')) as TaskEnvelope;
    expect(await envelope()).toMatchObject({ attempt: 1, findings: [] });
    await on.deliver(
      { type: 'ChangesRequested', data: { mission_id: MISSION, task_id: TASK, attempt: 1, findings: [finding] } },
      `review-${MISSION}.${TASK}`,
    );
    await on.workEnds();
    expect(await envelope()).toEqual({
      baton: 'task/v1',
      mission_id: MISSION,
      task_id: TASK,
      attempt: 2,
      title: 'Write two',
      instructions: 'write src/two.txt',
      write_set: ['src/**'],
      write_set_exclude: ['src/secret/**'],
      acceptance: [{ id: 'two', statement: 'two is written' }],
      non_goals: ['Rewriting one'],
      inputs: [],
      findings: [finding],
      deadline_ms: RUN_MS_MAX,
    });
    expect(await on.types(TASK)).toEqual(['AttemptStarted', 'AttemptSucceeded', 'AttemptStarted', 'AttemptSucceeded']);
  });
});
