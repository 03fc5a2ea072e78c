/** One workspace: a directory for the agent, and beside it our own index that alone says what changed. */
import { lstat, mkdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { FILES_BYTES_MAX, jsonBytes, type Change, type Receipt } from '@baton/contracts';
import type { ArtifactStore, Workspace } from '@baton/ports';
import {
  checkEnvironment,
  makeRunDirectory,
  removeTree,
  runCheck,
  workspaceProblem,
  type Redactor,
  type Sandbox,
  type WriteSet,
} from '@baton/workbench';
import { isForbidden, parseDiffTree, parseListing, refusedPaths } from './change.ts';
import { hardLinks, insideRepositories, strangeFiles } from './strange-files.ts';
import { GitFailure, type Git, type GitCall } from './git.ts';
import { problemOf } from './git-problems.ts';
import type { Head, Mirror } from './mirror.ts';
import { conflictPaths, DIFF_ARGUMENTS, PATCH_BYTES_MAX, TREES_ONLY } from './patch.ts';
import { fileNameOf, giveOwnRepository } from './places.ts';
import { assertNoSecret } from './secrets.ts';
import { assertNothingInSubmodules, assertUnfiltered } from './unsupported-paths.ts';

export interface Bench {
  readonly git: Git;
  readonly artifacts: ArtifactStore;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly sandbox: Sandbox | undefined;
  readonly redactor: Redactor | undefined;
  readonly mirror: Mirror;
  /** Puts the mirror's configuration back: an agent may have found it. */
  readonly restore: () => Promise<unknown>;
  readonly head: Head;
  /** Ours alone; the agent's directory is one in it. */
  readonly place: string;
  readonly name: string;
}

/** As the Change of the contracts allows. */
const FILES_MAX = 5_000;
const CHANGE_BYTES_MAX = 512 * 1024 * 1024;
const INTEGRATED_AT = '2000-01-01T00:00:00Z';

export async function openGitWorkspace(bench: Bench, inputs: readonly string[], signal: AbortSignal): Promise<Workspace> {
  const directory = join(bench.place, 'tree');
  await mkdir(directory);
  const call: GitCall = {
    directory,
    git_dir: bench.mirror.git_dir,
    work_tree: directory,
    index: join(bench.place, 'index'),
    signal,
  };
  try {
    await bench.git(['read-tree', '--reset', '-u', bench.head.commit], call);
    let base_tree = bench.head.tree;
    let commit = bench.head.commit;
    for (const input of inputs) await applyPatch(bench, call, input);
    if (inputs.length > 0) {
      base_tree = await writeTree(bench.git, call);
      // The same inputs give the same commit: what the agent sees as its starting point, so that its own diff is its own work.
      const variables = { GIT_AUTHOR_DATE: INTEGRATED_AT, GIT_COMMITTER_DATE: INTEGRATED_AT };
      commit = text(
        await bench.git(['commit-tree', base_tree, '-p', commit, '-m', 'Accepted work that this task builds on'], {
          ...call,
          variables,
        }),
      );
    }
    const branch = fileNameOf(bench.name);
    await giveOwnRepository(directory, { mirror_dir: bench.mirror.git_dir, index: join(bench.place, 'index'), branch, commit });
    return gitWorkspace(bench, { ...call, signal: undefined }, { directory, base_tree, commit, branch });
  } catch (error) {
    throw problemOf(error, 'make a workspace', bench.mirror.url);
  }
}

interface Opened {
  readonly directory: string;
  readonly base_tree: string;
  /** What the agent's branch points at. */
  readonly commit: string;
  readonly branch: string;
}

function gitWorkspace(bench: Bench, call: GitCall, opened: Opened): Workspace {
  const { git, artifacts, head, mirror } = bench;
  const applied: string[] = [];
  let collected: Change | null = null;
  let checks = 0;
  const readable = [join(mirror.git_dir, 'objects')];
  return {
    directory: opened.directory,
    readable,
    base_commit: head.commit,
    base_tree: opened.base_tree,
    apply: async (artifact) => {
      collected = null;
      await bench.restore();
      try {
        await applyPatch(bench, call, artifact);
      } catch (error) {
        // A patch that does not fit leaves nothing behind, so that the next one meets what was there before.
        await git(['read-tree', '--reset', '-u', opened.base_tree], call);
        // Git writes files before it notices that it may not write others, and knows of neither afterwards.
        await git(['clean', '-ffdxq'], call);
        for (const before of applied) await applyPatch(bench, call, before);
        throw problemOf(error, 'apply a change', mirror.url);
      }
      applied.push(artifact);
    },
    collect: async ({ write_set, write_set_exclude }) => {
      collected = null;
      await bench.restore();
      try {
        const answer = await collect(bench, call, opened, { write_set, write_set_exclude });
        if (answer.status === 'collected') collected = answer.change;
        return answer;
      } catch (error) {
        throw problemOf(error, 'collect the change', mirror.url);
      }
    },
    check: async (criterion, signal) => {
      if (collected === null) throw new Error(`check "${criterion.id}" has nothing to look at: collect before check`);
      if (criterion.check === undefined) return changedAtAll(criterion.id, collected);
      const place = join(bench.place, `check-${String(++checks)}`);
      const { tree } = collected;
      try {
        const directory = await checkOutForCheck(bench, place, tree, opened, signal);
        const own = await makeRunDirectory(place);
        return await runCheck({
          criterion_id: criterion.id,
          check: criterion.check,
          directory,
          tree,
          environment: checkEnvironment(bench.environment, own),
          confined: bench.sandbox && { sandbox: bench.sandbox, writable: [directory, own.path], readable },
          redact: bench.redactor?.text,
          artifacts,
          signal,
        });
      } catch (error) {
        throw problemOf(error, `run check "${criterion.id}"`, mirror.url);
      } finally {
        await removeTree(place);
      }
    },
    discard: () => removeTree(bench.place),
  };
}

async function applyPatch(bench: Bench, call: GitCall, artifact: string): Promise<void> {
  const patch = await bench.artifacts.get(artifact);
  try {
    await bench.git(['apply', '--3way', '--index', '--whitespace=nowarn', '-'], { ...call, input: patch });
  } catch (error) {
    if (!(error instanceof GitFailure) || error.reason !== 'exit-code') throw error;
    const paths = conflictPaths(`${error.stdout}\n${error.stderr}`);
    if (paths.length === 0)
      throw workspaceProblem(
        'semantic',
        `artifact ${artifact} cannot be applied; git says: ${error.stderr.slice(0, 600)}`,
        error,
      );
    throw workspaceProblem(
      'semantic',
      `artifact ${artifact} does not fit what is there: ${paths.join(', ')} changed on both sides; submit the mission again, so that it is made on what is there now`,
      error,
    );
  }
}

async function collect(
  bench: Bench,
  call: GitCall,
  opened: Opened,
  allowed: WriteSet,
): Promise<Awaited<ReturnType<Workspace['collect']>>> {
  const { git, head } = bench;
  await assertOwnDirectory(opened.directory);
  const { gitlinks, others } = parseListing(
    (await git(['ls-files', '-z', '--stage', '--others', '--exclude-standard'], call)).stdout,
  );
  // A repository inside would be taken as a bare link to a commit that nobody else has.
  const repositories = others.filter((path) => path.endsWith('/'));
  if (repositories.length > 0) return { status: 'refused', paths: repositories.map((path) => path.slice(0, -1)) };
  const strange = await strangeFiles(opened.directory);
  if (strange.length > 0) return { status: 'refused', paths: strange };
  // Git itself takes no path that it would obey somewhere, and does not say so of all of them: they are named first.
  const forbidden = others.filter(isForbidden);
  if (forbidden.length > 0) return { status: 'refused', paths: forbidden };
  await assertSize(opened.directory, others);
  await assertNothingInSubmodules(opened.directory, gitlinks);
  // Gitlinks are left out: to compare one, git would run in it, under whatever configuration the agent put there.
  await git(['add', '--all', '--', '.', ...gitlinks.map((path) => `:(exclude,top,literal)${path}`)], call);
  const tree = await writeTree(git, call);
  if (tree === opened.base_tree) return { status: 'empty' };

  const changed = parseDiffTree((await git([...TREES_ONLY, '-z', '--raw', '--numstat', opened.base_tree, tree], call)).stdout);
  const refused = [
    ...(await refusedPaths(changed, allowed, (path) => readlink(join(opened.directory, path)))),
    ...(await hardLinks(opened.directory, changed)),
    ...(await insideRepositories(opened.directory, changed)),
  ];
  if (refused.length > 0) return { status: 'refused', paths: [...new Set(refused)] };
  if (changed.length > FILES_MAX)
    throw workspaceProblem(
      'semantic',
      `the change touches ${String(changed.length)} files, at most ${String(FILES_MAX)} can be handed on; split the task or add generated files to .gitignore`,
    );
  await assertUnfiltered(git, call, changed);
  const files_bytes = jsonBytes(changed.map(({ path }) => path));
  if (files_bytes > FILES_BYTES_MAX)
    throw workspaceProblem(
      'semantic',
      `the paths of the ${String(changed.length)} files that the change touches have ${String(files_bytes)} bytes, at most ${String(FILES_BYTES_MAX)} can be handed on; split the task or add generated files to .gitignore`,
    );
  const patch = (await git([...DIFF_ARGUMENTS, opened.base_tree, tree], call)).stdout;
  if (patch.length > PATCH_BYTES_MAX)
    throw workspaceProblem(
      'semantic',
      `the change is a patch of ${String(patch.length)} bytes, at most ${String(PATCH_BYTES_MAX)} can be handed on; split the task or leave large files out`,
    );
  if (bench.redactor !== undefined) await assertNoSecret(git, call, bench.redactor, { changed, patch });
  const change: Change = {
    artifact: await bench.artifacts.put(patch),
    base_commit: head.commit,
    base_tree: opened.base_tree,
    tree,
    files: changed.map(({ path }) => path),
    insertions: changed.reduce((sum, { insertions }) => sum + insertions, 0),
    deletions: changed.reduce((sum, { deletions }) => sum + deletions, 0),
  };
  return { status: 'collected', change };
}

/** An agent may replace its directory by a link: collecting would then read what is outside. */
async function assertOwnDirectory(directory: string): Promise<void> {
  const found = await lstat(directory).catch(() => null);
  if (found?.isDirectory() !== true)
    throw workspaceProblem(
      'semantic',
      'the directory of the workspace was removed or replaced; an agent must leave the directory it works in where it is',
    );
}

/** Before git copies it all into its store. */
async function assertSize(directory: string, others: readonly string[]): Promise<void> {
  if (others.length > FILES_MAX)
    throw workspaceProblem(
      'semantic',
      `the change adds ${String(others.length)} files, at most ${String(FILES_MAX)} can be handed on; split the task or add generated files to .gitignore`,
    );
  let bytes = 0;
  for (const path of others) {
    bytes += (await lstat(join(directory, path)).catch(() => null))?.size ?? 0;
    if (bytes > CHANGE_BYTES_MAX)
      throw workspaceProblem(
        'semantic',
        `the change adds more than ${String(CHANGE_BYTES_MAX)} bytes, up to ${path}; leave large files out`,
      );
  }
}

/** The tree alone: nothing that the agent left untracked or ignored is there. */
async function checkOutForCheck(bench: Bench, place: string, tree: string, opened: Opened, signal: AbortSignal): Promise<string> {
  const directory = join(place, 'tree');
  const index = join(place, 'index');
  await mkdir(directory, { recursive: true });
  await bench.restore();
  await bench.git(['read-tree', '--reset', '-u', tree], {
    directory,
    git_dir: bench.mirror.git_dir,
    work_tree: directory,
    index,
    signal,
  });
  // Also keeps a check that asks git from finding a repository above our root.
  await giveOwnRepository(directory, { mirror_dir: bench.mirror.git_dir, index, branch: opened.branch, commit: opened.commit });
  return directory;
}

/** The change is its own evidence. */
const changedAtAll = (criterion_id: string, change: Change): Receipt => ({
  criterion_id,
  command: [],
  exit_code: change.tree === change.base_tree ? 1 : 0,
  output_digest: change.artifact,
  output_tail: `the change touches ${String(change.files.length)} files`,
  tree: change.tree,
  started_at: new Date().toISOString(),
  duration_ms: 0,
});

const writeTree = async (git: Git, call: GitCall): Promise<string> => text(await git(['write-tree'], call));
const text = (answer: { readonly stdout: Buffer }): string => answer.stdout.toString('utf8').trim();
