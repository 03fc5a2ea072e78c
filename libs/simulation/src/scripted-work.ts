/** Work as the script of each mission has it: what agents, reviews and branches do, in the time that it takes them. */
import type { Change, Finding, Receipt, Task } from '@baton/contracts';
import { onlyLooks, type ReleaseState, type ReviewState, type TaskState, type Verdict } from '@baton/domain';
import { digestOf, pause, type Performer, type Timers, type Work } from '@baton/handling';
import type { MissionScript } from './script.ts';
import { objectOf, type Targets } from './targets.ts';

export interface Parts {
  readonly scriptOf: (mission_id: string) => MissionScript;
  readonly targets: Targets;
  /** The clock of the process that does the work. */
  readonly timers: Timers;
  /** Does something outside of the process: it may happen without being answered. */
  readonly outside: <T>(what: string, effect: () => T) => Promise<T>;
  /** A piece of work begins: told before it touches anything. */
  readonly begins: (stream: string, key: string) => void;
}

const TEST_MS = 3_000;
const REVIEW_MS = 4_000;
const problem = (message: string, failure_class: 'transient' | 'semantic' | 'policy'): Error =>
  Object.assign(new Error(message), { failure_class });

/** Work takes its time, and stops when it is told to. */
async function works(parts: Parts, work: Work, ms: number): Promise<void> {
  await pause(parts.timers, ms, work.signal);
  work.signal.throwIfAborted();
}

const receipts = (criteria: Task['acceptance'], tree: string, exit_code: number): Receipt[] =>
  criteria.map(({ id, check }) => ({
    criterion_id: id,
    command: check?.run ?? [],
    exit_code,
    output_digest: digestOf(id),
    output_tail: '',
    tree,
    started_at: '2026-11-21T00:00:00.000Z',
    duration_ms: TEST_MS,
  }));
const change = (artifact: string, base: string, tree: string): Change => ({
  artifact,
  base_commit: base,
  base_tree: objectOf('tree', base),
  tree,
  files: ['src/index.ts'],
  insertions: 1,
  deletions: 0,
});

/** What this attempt leaves behind, and no other: how a report is told from another attempt's. */
export const treeOfAttempt = (mission_id: string, task_id: string, attempt: number): string =>
  objectOf('task', mission_id, task_id, attempt);

export const attempt =
  (parts: Parts): Performer =>
  async (work) => {
    parts.begins(work.stream, work.key);
    const { task, attempt: number, base, mission_id } = work.state as Extract<TaskState, { status: 'running' }>;
    const { does, work_ms } = parts.scriptOf(mission_id).agent(task.id, number);
    const fails = (failure_class: 'transient' | 'semantic' | 'policy', cause: string) =>
      work.submit({ type: 'RecordFailure', attempt: number, failure_class, cause, output_tail: '' });
    try {
      await parts.outside(`opens the workspace of ${work.stream} for an agent which ${does}`, () =>
        parts.targets.head(base.repository),
      );
    } catch (error) {
      if ((error as { failure_class?: unknown }).failure_class !== 'transient') throw error;
      return void (await work.submit({ type: 'RecordOutage', attempt: number, cause: String(error) }));
    }
    await works(parts, work, does === 'overruns' ? task.run_ms_max : does === 'stuck' ? Number.MAX_SAFE_INTEGER : work_ms);
    const tree = treeOfAttempt(mission_id, task.id, number);
    const success = {
      type: 'RecordSuccess',
      attempt: number,
      summary: 'done',
      change: change(digestOf([mission_id, task.id, number, base.inputs]), objectOf('base'), tree),
      receipts: receipts(task.acceptance, tree, 0),
    };
    switch (does) {
      case 'throws':
        throw problem('no workspace could be made', 'transient');
      case 'overruns':
        return void (await fails('transient', `not done within ${task.run_ms_max} ms`));
      case 'stuck':
        return void (await fails('transient', 'it never came back'));
      case 'transient':
      case 'semantic':
      case 'policy':
        return void (await fails(does, `the agent said ${does}`));
      case 'lies-no-change':
        return void (await fails('semantic', 'the agent said done and changed nothing'));
      case 'lies-other-attempt':
        // An earlier one: which attempt comes next nobody can be told, the executor names the attempt that it was given.
        return void (await work.submit({ ...success, attempt: number - 1 }));
      case 'lies-other-tree':
        return void (await work.submit({ ...success, receipts: receipts(task.acceptance, objectOf('another tree'), 0) }));
      default:
        return void (await work.submit(success));
    }
  };

/** Pure: the receipts decide, and the script where they hold. */
function judged(
  { task, attempt: number, change: made, receipts: minted, mission_id }: Extract<ReviewState, { status: 'reviewing' }>['subject'],
  script: MissionScript,
): { readonly verdicts: readonly Verdict[]; readonly findings: readonly Finding[] } {
  const stale = minted.some(({ tree, exit_code }) => tree !== made.tree || exit_code !== 0);
  const holds = !stale && script.review(task.id, number) === 'holds';
  const verdicts = task.acceptance.map(({ id }) => ({ criterion_id: id, holds, evidence: 'receipt' }));
  const statement = stale ? `the receipts are of another tree (${mission_id})` : 'it does not hold';
  return {
    verdicts,
    findings: holds ? [] : [{ criterion_id: 'tests', severity: 'blocking', statement, evidence: 'exit code 1' }],
  };
}

type Reviewing = Extract<ReviewState, { status: 'reviewing' }>;

/** Half of the missions are documents, which are reviewed before their review is recorded. */
export const isReviewedAtOnce = ({ subject }: Reviewing): boolean =>
  Number.parseInt(subject.mission_id.slice(0, 1), 16) % 2 === 0;

export const review =
  (parts: Parts): Performer =>
  async (work) => {
    const { subject } = work.state as Reviewing;
    const script = parts.scriptOf(subject.mission_id);
    if (!isReviewedAtOnce(work.state as Reviewing)) {
      parts.begins(work.stream, work.key);
      await works(parts, work, REVIEW_MS);
    }
    await parts.outside(`reads the artifact of ${work.stream}`, () => undefined);
    if (script.review(subject.task.id, subject.attempt) === 'throws') throw problem('the artifact cannot be read', 'transient');
    await work.submit({ type: 'ConcludeReview', attempt: subject.attempt, ...judged(subject, script) });
  };

export const integrate =
  (parts: Parts): Performer =>
  async (work) => {
    parts.begins(work.stream, work.key);
    const { mission_id, revision, delivery, accepted } = work.state as Extract<ReleaseState, { status: 'integrating' }>;
    const script = parts.scriptOf(mission_id);
    const base = await parts.outside(`opens the target of ${work.stream}`, () => parts.targets.head(delivery.repository));
    await works(parts, work, TEST_MS);
    if (script.integration === 'conflicts') throw problem('src/index.ts does not merge', 'semantic');
    const artifact = digestOf(['diff', mission_id, accepted, script.rebase_changes ? base : '']);
    const tree = parts.targets.merged(mission_id, base, accepted);
    await work.submit({
      type: 'RecordIntegration',
      revision,
      change: change(artifact, base, tree),
      receipts: receipts(delivery.criteria, tree, script.integration === 'fails' ? 1 : 0),
      content_digest: digestOf({ diff: artifact, contract: delivery.contract_digest }),
    });
  };

export const land =
  (parts: Parts): Performer =>
  async (work) => {
    parts.begins(work.stream, work.key);
    const state = work.state as Extract<ReleaseState, { status: 'landing' }>;
    const { delivery, revision, change: tested, mission_id, content_digest } = state;
    await works(parts, work, parts.scriptOf(mission_id).land_ms);
    const landing = await parts.outside(`lands ${work.stream} revision ${revision}`, () =>
      parts.targets.land({
        repository: delivery.repository,
        expected_base: tested.base_commit,
        tree: tested.tree,
        mission_id,
        revision,
        content_digest,
        look_only: onlyLooks(state),
      }),
    );
    if (landing.status === 'absent') return void (await work.submit({ type: 'RecordNotLanded', revision }));
    if (landing.status === 'moved')
      return void (await work.submit({ type: 'RecordTargetMoved', revision, target_commit: landing.target_commit }));
    const decided = await work.submit({ type: 'RecordLanding', revision, commit: landing.commit, tree: landing.tree });
    if (decided.status === 'refused') throw problem(`${landing.commit} landed with another tree than was tested`, 'policy');
  };
