/** Landing: compare and swap on the target branch, with a commit of exactly the tested tree. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ArtifactStore, Landing, WorkspaceProvider } from '@baton/ports';
import { removeTree, tailOf, workspaceProblem } from '@baton/workbench';
import { dirtyPaths, named, untrackedInTheWay } from './checkout.ts';
import { GitFailure, withoutSecrets, type Git, type GitCall } from './git.ts';
import { problemOf } from './git-problems.ts';
import type { Mirror, Mirrors } from './mirror.ts';
import { conflictPaths } from './patch.ts';

export interface LandOptions {
  readonly git: Git;
  readonly artifacts: ArtifactStore;
  readonly mirrors: Mirrors;
  /** A fresh directory for the index. */
  readonly makePlace: (name: string) => Promise<string>;
}
type Land = Parameters<WorkspaceProvider['land']>[0];

/** How far back a landing is looked for: a mission lands within hours of being tested. */
const COMMITS_SEARCHED_MAX = 2_000;
const SAID_CHARS_MAX = 600;
/**
 * On the other side of a push into a local repository, which may belong to another user. Where the target is checked
 * out, its files follow as long as nobody is working on them; hooks are not run there: they may lie in its tree, where
 * agents write. A bare repository keeps its hooks, they are how its owner guards it.
 */
const RECEIVE_PACK_BARE = "--receive-pack=git -c 'safe.directory=*' receive-pack";
const RECEIVE_PACK_CHECKED_OUT =
  "--receive-pack=git -c 'safe.directory=*' -c receive.denyCurrentBranch=updateInstead -c core.hooksPath=/dev/null -c core.fsmonitor=false receive-pack";

export async function landOnTarget(options: LandOptions, land: Land): Promise<Landing> {
  const { repository, signal } = land;
  if (repository === null) throw new Error('repository is null: a mission without one is landed by the scratch workspaces');
  const doing = `land on branch "${repository.target}"`;
  const { mirror, head } = await readTarget(options, repository);
  const call: GitCall = { directory: mirror.git_dir, git_dir: mirror.git_dir, signal };
  try {
    const landed = await findLanded(options.git, call, head.commit, land.trailers);
    if (landed !== null) return { status: 'landed', ...landed };
    if (land.look_only === true) return { status: 'absent' };
    if (head.commit !== land.expected_base) return { status: 'moved', target_commit: head.commit };
    const commit = await makeCommit(options, call, land);
    await assertNothingInTheWay(options.git, call, mirror, land, commit);
    const pushed = await push(options.git, call, mirror, repository.target, land.expected_base, commit);
    // Also after a push that seemed to fail: what counts is what the branch says now.
    const { head: now } = await readTarget(options, repository);
    if (await isOn(options.git, call, commit, now.commit)) return { status: 'landed', commit, tree: land.tree };
    if (now.commit !== land.expected_base) {
      // A push that its process did not outlive may have been the first.
      const by_another = await findLanded(options.git, call, now.commit, land.trailers);
      return by_another === null ? { status: 'moved', target_commit: now.commit } : { status: 'landed', ...by_another };
    }
    throw (
      pushed ??
      workspaceProblem('transient', `could not ${doing}: the push was accepted, but the branch is still at ${now.commit}`)
    );
  } catch (error) {
    throw problemOf(error, doing, mirror.url);
  }
}

/**
 * While the target cannot be read nobody can say that nothing landed on it, whatever the reason: an earlier push may have
 * arrived. So no failure to read it is the last word.
 */
async function readTarget({ mirrors }: LandOptions, repository: NonNullable<Land['repository']>): ReturnType<Mirrors['fetch']> {
  try {
    return await mirrors.fetch(repository);
  } catch (error) {
    throw workspaceProblem('transient', error instanceof Error ? error.message : String(error), error);
  }
}

async function findLanded(
  git: Git,
  call: GitCall,
  head: string,
  trailers: Land['trailers'],
): Promise<{ readonly commit: string; readonly tree: string } | null> {
  const wanted = trailerLines(trailers);
  if (wanted.length === 0) return null;
  const { stdout } = await git(
    [
      'log',
      `--max-count=${String(COMMITS_SEARCHED_MAX)}`,
      '-z',
      '--format=%H %T%n%(trailers:only,unfold)',
      '--end-of-options',
      head,
      '--',
    ],
    call,
  );
  for (const entry of stdout.toString('utf8').split('\0')) {
    const [ids = '', ...lines] = entry.split('\n');
    if (!wanted.every((line) => lines.includes(line))) continue;
    const [commit = '', tree = ''] = ids.split(' ');
    return { commit, tree };
  }
  return null;
}

/** What a terminal would obey is left out; and without a first line the trailers would be it, and found by nobody. */
const CONTROL = /[\0-\u0008\u000b-\u001f\u007f-\u009f]/g;
const messageOf = ({ message }: Land): string => message.replaceAll(/\r\n?/g, '\n').replaceAll(CONTROL, '').trim() || 'A change';

function trailerLines(trailers: Land['trailers']): readonly string[] {
  return Object.entries(trailers).map(([key, value]) => {
    if (!/^[A-Za-z][A-Za-z0-9-]*$/.test(key))
      throw new Error(`trailers: the name "${key}" may have letters, digits and dashes only`);
    if (/[\r\n]/.test(value) || value.trim() !== value || value === '')
      throw new Error(`trailers.${key}: the value must be one line that neither begins nor ends with a space`);
    return `${key}: ${value}`;
  });
}

/** Built anew from the base and the artifact, never from objects that happen to be here: what lands is what was tested. */
async function makeCommit(options: LandOptions, call: GitCall, land: Land): Promise<string> {
  const { git } = options;
  const patch = await options.artifacts.get(land.artifact);
  const place = await options.makePlace('landing');
  try {
    const own: GitCall = { ...call, index: join(place, 'index') };
    await git(['read-tree', land.expected_base], own);
    await git(['apply', '--cached', '--whitespace=nowarn', '-'], { ...own, input: patch }).catch((error: unknown) => {
      if (!(error instanceof GitFailure) || error.reason !== 'exit-code') throw error;
      throw workspaceProblem(
        'semantic',
        `artifact ${land.artifact} was not made for base ${land.expected_base} (${conflictPaths(error.stderr).join(', ') || error.stderr.slice(0, 300)}); integrate and test again`,
        error,
      );
    });
    const tree = (await git(['write-tree'], own)).stdout.toString('utf8').trim();
    if (tree !== land.tree)
      throw workspaceProblem(
        'semantic',
        `artifact ${land.artifact} on ${land.expected_base} makes tree ${tree}, not the tested ${land.tree}; integrate and test again`,
      );
    const message = [messageOf(land), trailerLines(land.trailers).join('\n')].filter((part) => part !== '').join('\n\n');
    const { stdout } = await git(['commit-tree', tree, '-p', land.expected_base, '-F', '-'], {
      ...own,
      input: Buffer.from(`${message}\n`),
    });
    return stdout.toString('utf8').trim();
  } finally {
    await removeTree(place);
  }
}

/** Null, or why it was refused where that is not just somebody else having been first. */
async function push(
  git: Git,
  call: GitCall,
  mirror: Mirror,
  target: string,
  expected: string,
  commit: string,
): Promise<Error | null> {
  const ref = `refs/heads/${target}`;
  const args = [
    'push',
    '--porcelain',
    '--no-verify',
    '--no-signed',
    ...receivePack(mirror),
    `--force-with-lease=${ref}:${expected}`,
    '--',
    mirror.url,
    `${commit}:${ref}`,
  ];
  try {
    await git(args, call);
    return null;
  } catch (error) {
    if (!(error instanceof GitFailure) || error.reason === 'aborted') throw error;
    const refusal = /^!\t.*\t(\[.*)$/m.exec(error.stdout)?.[1] ?? '';
    const where = withoutSecrets(mirror.url);
    if (/working directory has|up-to-date check failed|could not update working tree/i.test(`${refusal}\n${error.stderr}`)) {
      const paths = mirror.local ? await dirtyPaths(git, call, mirror.url) : [];
      // Somebody is at work there: what was tested and approved waits until they are done.
      return workspaceProblem(
        'transient',
        `repository ${where} has uncommitted changes on branch "${target}"; commit or stash them, and it is landed on by itself${paths.length > 0 ? `: ${named(paths)}` : ''}; it says: ${tailOf(refusal, SAID_CHARS_MAX)}`,
        error,
      );
    }
    if (/hook declined|protected branch|not permitted|denied/i.test(refusal))
      return workspaceProblem(
        'policy',
        `repository ${where} refused the push to "${target}": ${refusal}; allow this service to push there, or land it by hand; it says: ${tailOf(error.stderr, SAID_CHARS_MAX)}`,
        error,
      );
    if (refusal === '') return error;
    return workspaceProblem('transient', `repository ${where} refused the push to "${target}": ${refusal}`, error);
  }
}

const isCheckedOut = (mirror: Mirror): boolean => mirror.local && existsSync(join(mirror.url, '.git'));

function receivePack(mirror: Mirror): readonly string[] {
  if (!mirror.local) return [];
  return [isCheckedOut(mirror) ? RECEIVE_PACK_CHECKED_OUT : RECEIVE_PACK_BARE];
}

async function assertNothingInTheWay(git: Git, call: GitCall, mirror: Mirror, land: Land, commit: string): Promise<void> {
  const target = land.repository?.target ?? '';
  if (!isCheckedOut(mirror)) return;
  const paths = await untrackedInTheWay(git, call, { directory: mirror.url, target }, { base: land.expected_base, commit });
  if (paths.length > 0)
    throw workspaceProblem(
      'transient',
      `repository ${withoutSecrets(mirror.url)} has files on branch "${target}" that git does not track, where the change adds its own; move them away or commit them, and it is landed on by itself: ${named(paths)}`,
    );
}

async function isOn(git: Git, call: GitCall, commit: string, head: string): Promise<boolean> {
  if (commit === head) return true;
  return (await git(['merge-base', '--is-ancestor', commit, head], { ...call, success_exit_codes: [0, 1] })).exit_code === 0;
}
