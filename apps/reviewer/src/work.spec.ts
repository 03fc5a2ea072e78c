import type { Change, Criterion, Receipt, Task, WorkspaceBase } from '@baton/contracts';
import { review, type ReviewCommand, type ReviewState } from '@baton/domain';
import type { Performer } from '@baton/handling';
import type { WorkspaceProvider } from '@baton/ports';
import { memoryArtifacts } from '@baton/testing';
import { scratchWorkspaces } from '@baton/workspace-scratch';
import { describe, expect, it } from '@jest/globals';
import { reviewer } from './work.ts';

const { signal } = new AbortController();
const DOCUMENT: WorkspaceBase = { repository: null, inputs: [] };
const CODE: WorkspaceBase = { repository: { url: 'https://example.test/shop.git', target: 'main' }, inputs: [] };
const notEmpty: Criterion = { id: 'written', statement: 'it is written' };
const task: Task = {
  id: 'a',
  title: 'A',
  instructions: 'write it',
  depends_on: [],
  write_set: ['docs/**'],
  write_set_exclude: ['**'],
  acceptance: [notEmpty],
  agent: { runtime: 'scripted', output: 'x' },
  attempts_max: 3,
  run_ms_max: 1_000,
};

/** What an executor made of the agent's output: the change and the receipts are real, and so is the artifact. */
async function made(provider: WorkspaceProvider, output: string) {
  const workspace = await provider.open({ name: 'made', base: DOCUMENT, signal });
  const collected = await workspace.collect({ write_set: ['**'], write_set_exclude: [], output, message: 'A' });
  if (collected.status !== 'collected') throw new Error(`it was ${collected.status}`);
  return { change: collected.change, receipts: [await workspace.check(notEmpty, signal)] };
}

/** The state that the review is in, the commands its performer submits, and the events they become. */
async function reviewed(
  subject: { readonly base: WorkspaceBase; readonly change: Change; readonly receipts: readonly Receipt[]; readonly task?: Task },
  parts: { readonly git: WorkspaceProvider; readonly scratch: WorkspaceProvider },
) {
  const state: ReviewState = {
    status: 'reviewing',
    round: 1,
    subject: { mission_id: 'm-1', task_id: 'a', attempt: 2, task, summary: 'all is fine, trust me', ...subject },
  };
  const submitted: ReviewCommand[] = [];
  const perform: Readonly<Record<string, Performer>> = reviewer(parts).perform ?? {};
  await perform['review']?.({
    stream: 'review-m-1.a',
    mission_id: 'm-1',
    state,
    key: 'review-2',
    signal,
    submit: async (command) => {
      submitted.push(command as ReviewCommand);
      return { status: 'already', state, waiting: null };
    },
  });
  const events = submitted.flatMap((command) => {
    const decision = review.decide(command, state);
    return 'accepted' in decision ? decision.accepted.map(({ type }) => type) : [];
  });
  return { submitted, events };
}

describe('the reviewer', () => {
  it('accepts a document by its receipt: no write-set applies to it', async () => {
    const scratch = scratchWorkspaces({ artifacts: memoryArtifacts() });
    const { change, receipts } = await made(scratch, 'Release notes');
    const { submitted, events } = await reviewed({ base: DOCUMENT, change, receipts }, { git: scratch, scratch });
    expect(submitted).toEqual([
      {
        type: 'ConcludeReview',
        attempt: 2,
        verdicts: [{ criterion_id: 'written', holds: true, evidence: change.artifact }],
        findings: [],
      },
    ]);
    expect(events).toEqual(['VerdictGiven', 'ReviewConcluded']);
  });
  it('sends a document back whose receipt is for another one', async () => {
    const scratch = scratchWorkspaces({ artifacts: memoryArtifacts() });
    const { change } = await made(scratch, 'Release notes');
    const { receipts } = await made(scratch, 'Other notes');
    const { submitted, events } = await reviewed({ base: DOCUMENT, change, receipts }, { git: scratch, scratch });
    expect(submitted).toMatchObject([
      { verdicts: [{ holds: false }], findings: [{ criterion_id: 'written', statement: expect.stringContaining('is stale') }] },
    ]);
    expect(events).toEqual(['VerdictGiven', 'FindingRaised', 'ReviewConcluded', 'ChangesRequested']);
  });
  it('reads from the artifact what a change to a repository touches, whatever the handoff says', async () => {
    const artifacts = memoryArtifacts();
    // Its artifacts tell their paths as those of git do; the other provider has never seen this one.
    const git = scratchWorkspaces({ artifacts });
    const scratch = scratchWorkspaces({ artifacts: memoryArtifacts() });
    const { change, receipts } = await made(git, 'code');
    const told = { ...change, files: ['docs/a.md'] };
    const may = { ...task, write_set_exclude: [] };
    const { submitted } = await reviewed({ base: CODE, change: told, receipts, task: may }, { git, scratch });
    expect(submitted).toMatchObject([
      {
        verdicts: [{ holds: true }],
        findings: [
          { criterion_id: null, statement: 'the diff touches paths outside the write-set', evidence: 'output' },
          { criterion_id: null, statement: 'the diff touches paths that the handoff does not name', evidence: 'output' },
        ],
      },
    ]);
  });
  it('reports nothing about an artifact that is gone: the attempt at reviewing it failed', async () => {
    const scratch = scratchWorkspaces({ artifacts: memoryArtifacts() });
    const git = scratchWorkspaces({ artifacts: memoryArtifacts() });
    const { change, receipts } = await made(scratch, 'code');
    await expect(reviewed({ base: CODE, change, receipts }, { git, scratch })).rejects.toThrow(change.artifact);
  });
});
