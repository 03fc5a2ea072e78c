/**
 * Integrates the accepted tasks on the newest target, tests the integrated tree, and lands exactly that tree. A target that
 * moved in between is integrated and tested again while the target's lease is held, so that missions on one branch land one
 * after the other instead of overtaking each other for ever.
 */
import type { Change, Criterion, Delivery, Receipt } from '@baton/contracts';
import { onlyLooks, type ReleaseState } from '@baton/domain';
import { contentDigest, type Performer, type ServiceDefinition, type Work } from '@baton/handling';
import { failpoint, type Workspace, type WorkspaceProvider } from '@baton/ports';
import type { TargetLocks } from './target-locks.ts';

export interface ReleaseParts {
  readonly git: WorkspaceProvider;
  readonly scratch: WorkspaceProvider;
  readonly locks: TargetLocks;
}

type Integrating = Extract<ReleaseState, { status: 'integrating' }>;
type LandingState = Extract<ReleaseState, { status: 'landing' }>;

const providerFor = (parts: ReleaseParts, delivery: Delivery): WorkspaceProvider =>
  delivery.repository ? parts.git : parts.scratch;

export const release = (parts: ReleaseParts): ServiceDefinition => ({
  name: 'release',
  perform: { integrate: integrate(parts), land: land(parts) },
  // Documents are put together in a moment where no criterion runs a program, and land on nothing outside.
  at_once: {
    integrate: ({ delivery }: Integrating) =>
      delivery.repository === null && delivery.criteria.every((criterion) => criterion.check === undefined),
    land: ({ delivery }: LandingState) => delivery.repository === null,
  },
});

function integrate(parts: ReleaseParts): Performer {
  return async (work) => {
    const candidate = work.state as Integrating;
    // Content that was approved and lost its base is on its way to land: nobody else may land before it does.
    if (candidate.approved_digest !== null) await parts.locks.acquire(candidate.delivery.repository, work);
    let keep = false;
    try {
      const decided = await work.submit(await tested(parts, candidate, work));
      keep = 'waiting' in decided && decided.waiting?.work === 'land';
    } finally {
      if (!keep) await parts.locks.release(work.stream);
    }
  };
}

async function tested(parts: ReleaseParts, candidate: Integrating, work: Work): Promise<unknown> {
  const { delivery, accepted, revision, mission_id } = candidate;
  const provider = providerFor(parts, delivery);
  const base = { repository: delivery.repository, inputs: [] };
  const workspace = await provider.open({ name: `release-${revision}-${mission_id.slice(0, 8)}`, base, signal: work.signal });
  try {
    for (const { artifact } of accepted) await workspace.apply(artifact);
    const collected = await workspace.collect({
      write_set: ['**'],
      write_set_exclude: [],
      output: null,
      message: delivery.title,
    });
    if (collected.status !== 'collected') {
      const why =
        collected.status === 'empty'
          ? 'the target has everything that the tasks changed'
          : `paths that may never change: ${collected.paths.join(', ')}`;
      throw Object.assign(new Error(`there is nothing to release: ${why}`), { failure_class: 'semantic' });
    }
    const { change } = collected;
    // Without a repository there are no paths: the documents of all tasks are named by their number.
    if (delivery.repository !== null) await assertOnlyTheirs(provider, accepted, change);
    const receipts: Receipt[] = [];
    for (const criterion of delivery.criteria) receipts.push(await checked(workspace, criterion, work.signal));
    work.signal.throwIfAborted();
    return { type: 'RecordIntegration', revision, change, receipts, content_digest: contentDigest(change, receipts, delivery) };
  } finally {
    await workspace.discard();
  }
}

/** Each task was held to its write-set: so is their sum, whatever came of putting them together. */
async function assertOnlyTheirs(provider: WorkspaceProvider, accepted: Integrating['accepted'], change: Change): Promise<void> {
  const theirs = new Set((await Promise.all(accepted.map(({ artifact }) => provider.paths(artifact)))).flat());
  const others = change.files.filter((path) => !theirs.has(path));
  if (others.length > 0)
    throw Object.assign(new Error(`the integrated change touches what no task changed: ${others.join(', ')}`), {
      failure_class: 'policy',
    });
}

/** As receipts have it: it took too long, or somebody killed it (out of memory, a limit). */
const RAN_OUT: ReadonlySet<number> = new Set([124, 137]);

/** What ran out may have met a busy machine, and nothing after this makes the change again: it gets a second run, and only one. */
async function checked(workspace: Workspace, criterion: Criterion, signal: AbortSignal): Promise<Receipt> {
  const receipt = await workspace.check(criterion, signal);
  return RAN_OUT.has(receipt.exit_code) ? workspace.check(criterion, signal) : receipt;
}

function land(parts: ReleaseParts): Performer {
  return async (work) => {
    const state = work.state as LandingState;
    const { delivery, revision, change, mission_id, content_digest } = state;
    await parts.locks.acquire(delivery.repository, work);
    let keep = false;
    try {
      failpoint('before-land');
      const landing = await providerFor(parts, delivery).land({
        repository: delivery.repository,
        artifact: change.artifact,
        expected_base: change.base_commit,
        tree: change.tree,
        message: `${delivery.title}\n\nRequested by ${delivery.requested_by}, tested and approved as ${content_digest}.`,
        trailers: { 'Baton-Mission': mission_id, 'Baton-Content': content_digest },
        look_only: onlyLooks(state),
        signal: work.signal,
      });
      failpoint('after-land');
      if (landing.status === 'absent') return void (await work.submit({ type: 'RecordNotLanded', revision }));
      if (landing.status === 'landed') {
        const decided = await work.submit({ type: 'RecordLanding', revision, commit: landing.commit, tree: landing.tree });
        if (decided.status === 'refused')
          throw Object.assign(new Error(`${landing.commit} landed with tree ${landing.tree}, tested was ${change.tree}`), {
            failure_class: 'policy',
          });
        return;
      }
      const decided = await work.submit({ type: 'RecordTargetMoved', revision, target_commit: landing.target_commit });
      keep = 'waiting' in decided && decided.waiting?.work === 'integrate';
    } finally {
      if (!keep) await parts.locks.release(work.stream);
    }
  };
}
