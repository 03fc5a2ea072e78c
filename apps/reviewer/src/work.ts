/** Reviews one attempt: reads the real diff out of the artifact, then judges every criterion by its receipt. Never edits. */
import type { ReviewState } from '@baton/domain';
import type { Performer, ServiceDefinition } from '@baton/handling';
import type { WorkspaceProvider } from '@baton/ports';
import { judge } from './verdicts.ts';

export interface ReviewerParts {
  readonly git: WorkspaceProvider;
  readonly scratch: WorkspaceProvider;
}

type Reviewing = Extract<ReviewState, { status: 'reviewing' }>;

export const reviewer = (parts: ReviewerParts): ServiceDefinition => ({
  name: 'reviewer',
  perform: { review: review(parts) },
  // A document is read in a moment; a diff needs git.
  at_once: { review: ({ subject }: Reviewing) => subject.base.repository === null },
});

function review(parts: ReviewerParts): Performer {
  return async (work) => {
    const { subject } = work.state as Reviewing;
    const provider = subject.base.repository ? parts.git : parts.scratch;
    const paths = subject.base.repository ? await provider.paths(subject.change.artifact) : subject.change.files;
    const { task, change, receipts, attempt } = subject;
    // Without a repository there is one path, the output itself: no write-set applies to it.
    const judged = subject.base.repository ? task : { ...task, write_set: ['**'], write_set_exclude: [] };
    await work.submit({ type: 'ConcludeReview', attempt, ...judge({ task: judged, change, receipts, paths }) });
  };
}
