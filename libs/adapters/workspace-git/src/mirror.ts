/**
 * One bare repository per URL holds what was fetched from it; every git call on the host works with this one.
 *
 * An agent's directory is deliberately not a linked worktree of it: in one, `git config` (which package managers run to
 * install hooks) would write into the mirror, and a filter or fsmonitor written there would run on the host.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Repository } from '@baton/contracts';
import type { WorkspaceProblem } from '@baton/ports';
import { removeTree, workspaceProblem } from '@baton/workbench';
import { ATTRIBUTES, GitFailure, withoutSecrets, type Git } from './git.ts';
import { problemOf } from './git-problems.ts';
import { isDamage, makeWhole, TARGETS } from './mirror-repair.ts';

export interface Mirror {
  /** Absolute where it is a local path. */
  readonly url: string;
  /** On this machine: its git programs are ours to start, with options. */
  readonly local: boolean;
  readonly git_dir: string;
}
export interface Head {
  readonly commit: string;
  readonly tree: string;
}
export interface Mirrors {
  /** Makes sure that it is there and as we left it. */
  ready(url: string): Promise<Mirror>;
  /** Packs what has gathered, where it is much. */
  compact(): Promise<void>;
  /** The head of the target branch, fetched after this was called. */
  fetch(repository: Repository): Promise<{ readonly mirror: Mirror; readonly head: Head }>;
  /** Does it; where the mirror turns out to be damaged, once more after what is there was fetched anew. */
  healed<T>(repository: Repository, act: () => Promise<T>): Promise<T>;
}

/** Whoever owns a local repository may be another user than we are; `-c` of ours does not reach the other side by itself. */
const LOCAL_UPLOAD_PACK = "--upload-pack=git -c 'safe.directory=*' upload-pack";
const CONFIG = '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n';
const HEAD = 'ref: refs/heads/none\n';
/** Objects that no branch holds yet belong to running workspaces; none runs for as long as git keeps them (two weeks). */
const COMPACTING = ['-c', 'gc.auto=5000', '-c', 'gc.autoDetach=false', '-c', 'gc.pruneExpire=2.weeks.ago'];
/** Otherwise few objects become as many files. */
const AS_ONE_PACK = ['-c', 'fetch.unpackLimit=1'];
const FETCH_ATTEMPTS_MAX = 3;
const BRANCHES_NAMED_MAX = 20;

export function mirrorsIn(options: {
  readonly root_dir: string;
  readonly git: Git;
  readonly git_timeout_ms: number;
  /** A fresh directory on the same disk. */
  readonly makePlace: (name: string) => Promise<string>;
}): Mirrors {
  const { root_dir, git, git_timeout_ms } = options;
  const fetches = new Map<string, Queue>();
  const repairs = new Map<string, Promise<void>>();
  const ready = async (url: string): Promise<Mirror> => {
    const place = placeOf(url);
    const mirror = { ...place, git_dir: join(root_dir, 'mirrors', `${shortHash(place.url)}.git`) };
    await keepAsWritten(mirror.git_dir);
    return mirror;
  };
  const repair = async (mirror: Mirror, target: string): Promise<void> => {
    const place = await options.makePlace('repair');
    try {
      const fresh = { ...mirror, git_dir: join(place, 'mirror.git') };
      await keepAsWritten(fresh.git_dir);
      const { commit } = await fetchHead(git, fresh, target, git_timeout_ms, AS_ONE_PACK);
      await makeWhole(git, mirror.git_dir, { git_dir: fresh.git_dir, head: commit });
    } finally {
      await removeTree(place);
    }
  };
  const healed: Mirrors['healed'] = async ({ url, target }, act) => {
    try {
      return await act();
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
    const mirror = await ready(url);
    // Who notices while it is repaired waits for that. Another process may repair it as well: nobody takes away what is whole.
    const key = `${mirror.git_dir} ${target}`;
    const running = repairs.get(key) ?? repair(mirror, target).finally(() => repairs.delete(key));
    repairs.set(key, running);
    await running;
    return act().catch((error: unknown) => {
      throw damagedStill(error, mirror);
    });
  };
  return {
    ready,
    healed,
    compact: async () => {
      for (const entry of await readdir(join(root_dir, 'mirrors')).catch(() => [])) {
        const git_dir = join(root_dir, 'mirrors', entry);
        await keepAsWritten(git_dir);
        // Another process may be at it, or it may take too long: nothing depends on it, the next start tries again.
        await git([...COMPACTING, 'gc', '--auto', '--quiet'], { directory: git_dir, git_dir }).catch(() => undefined);
      }
    },
    fetch: async ({ url, target }) => {
      const mirror = await ready(url);
      const head = await shared(fetches, `${mirror.git_dir} ${target}`, () => fetchHead(git, mirror, target, git_timeout_ms));
      return { mirror, head };
    },
  };
}

/** Git refuses some objects for good in the same words: what is told as such stays so. */
function damagedStill(error: unknown, mirror: Mirror): unknown {
  if (!isDamage(error) || (error as Partial<WorkspaceProblem>).failure_class !== 'transient') return error;
  return workspaceProblem(
    'transient',
    `objects are missing or damaged, also after they were fetched anew into ${mirror.git_dir}: run git fsck in the repository, and look at the disk of this service; ${(error as Error).message}`,
    error,
  );
}

function placeOf(url: string): { readonly url: string; readonly local: boolean } {
  if (url.startsWith('file://')) return { url: pathOf(url), local: true };
  // `host:path` is ssh, unless such a directory exists.
  const remote = url.includes('://') || (/^[^/]+:/.test(url) && !existsSync(url));
  return remote ? { url, local: false } : { url: resolve(url), local: true };
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw workspaceProblem(
      'semantic',
      `repository.url "${url}" names no file of this machine; correct it to file:///path or the path itself`,
      error,
    );
  }
}

/** What an agent could reach and git would obey: put back before each use. Cheap, and also how a mirror is made. */
async function keepAsWritten(git_dir: string): Promise<void> {
  // `commondir` would make git read another repository's configuration.
  await rm(join(git_dir, 'commondir'), { force: true, recursive: true });
  // Without one of these it is no repository to git; cleaners of temporary files take empty directories away.
  await Promise.all(
    ['info', 'objects/info', 'objects/pack', 'refs/heads', 'refs/baton'].map((part) =>
      mkdir(join(git_dir, part), { recursive: true }),
    ),
  );
  await keepFile(git_dir, 'config', CONFIG);
  await keepFile(git_dir, 'HEAD', HEAD);
  await keepFile(git_dir, 'info/attributes', ATTRIBUTES);
}

/** In one step: others may be using the mirror, or making it, at the same time. */
async function keepFile(git_dir: string, name: string, content: string): Promise<void> {
  const path = join(git_dir, name);
  if ((await readFile(path, 'utf8').catch(() => null)) === content) return;
  const written = `${path}.${randomUUID()}`;
  await writeFile(written, content);
  // A directory in its place cannot be renamed over.
  if ((await stat(path).catch(() => null))?.isDirectory() === true) await rm(path, { recursive: true, force: true });
  await rename(written, path);
}

interface Queue {
  running: Promise<Head>;
  next: Promise<Head> | null;
}

/**
 * One fetch of a branch at a time. Who comes while one is running shares the next: that one begins after they came, so
 * that it sees everything that was there when they asked.
 */
function shared(queues: Map<string, Queue>, key: string, fetch: () => Promise<Head>): Promise<Head> {
  const queue = queues.get(key);
  if (queue === undefined) {
    const entry: Queue = { running: fetch(), next: null };
    queues.set(key, entry);
    const advance = (): void => {
      if (entry.next === null) queues.delete(key);
      else {
        entry.running = entry.next;
        entry.next = null;
        void entry.running.then(advance, advance);
      }
    };
    void entry.running.then(advance, advance);
    return entry.running;
  }
  queue.next ??= queue.running.then(fetch, fetch);
  return queue.next;
}

async function fetchHead(
  git: Git,
  mirror: Mirror,
  target: string,
  git_timeout_ms: number,
  settings: readonly string[] = [],
): Promise<Head> {
  const ref = `${TARGETS}/${shortHash(target)}`;
  const call = { directory: mirror.git_dir, git_dir: mirror.git_dir };
  const args = [
    ...settings,
    'fetch',
    ...(mirror.local ? [LOCAL_UPLOAD_PACK] : []),
    '--quiet',
    '--no-tags',
    '--no-write-fetch-head',
    '--no-recurse-submodules',
    '--',
    mirror.url,
    `+refs/heads/${target}:${ref}`,
  ];
  for (let attempt = 1; ; attempt++) {
    try {
      assertWhole(mirror, (await git(args, call)).stderr);
      const { stdout } = await git(['log', '-1', '--format=%H %T', '--end-of-options', ref, '--'], call);
      const [commit = '', tree = ''] = stdout.toString('utf8').trim().split(' ');
      return { commit, tree };
    } catch (error) {
      const again =
        error instanceof GitFailure && /cannot lock ref|\.lock': File exists/.test(error.stderr) && attempt < FETCH_ATTEMPTS_MAX;
      if (!again) throw await fetchProblem(git, mirror, target, error);
      await removeStaleLock(join(mirror.git_dir, `${ref}.lock`), git_timeout_ms);
    }
  }
}

/** Git passes over a ref that it does not take, and calls that a success: what an earlier fetch left there would be taken for the head. */
function assertWhole(mirror: Mirror, said: string): void {
  if (!/shallow roots are not allowed to be updated/.test(said)) return;
  throw workspaceProblem(
    'semantic',
    `repository ${withoutSecrets(mirror.url)} is a shallow clone, of which the history is missing; run git fetch --unshallow there`,
  );
}

/** Of a process that was killed while it held it: no git call of ours lives longer than its timeout. */
async function removeStaleLock(lock: string, git_timeout_ms: number): Promise<void> {
  const found = await stat(lock).catch(() => null);
  if (found !== null && Date.now() - found.mtimeMs > 2 * git_timeout_ms) await rm(lock, { force: true });
}

async function fetchProblem(git: Git, mirror: Mirror, target: string, error: unknown): Promise<unknown> {
  if (!(error instanceof GitFailure) || !/couldn't find remote ref/.test(error.stderr))
    return problemOf(error, `fetch branch "${target}"`, mirror.url);
  const { stdout } = await git(['ls-remote', '--heads', ...(mirror.local ? [LOCAL_UPLOAD_PACK] : []), '--', mirror.url], {
    directory: mirror.git_dir,
    git_dir: mirror.git_dir,
  });
  const branches = stdout
    .toString('utf8')
    .split('\n')
    .flatMap((line) => line.split('\trefs/heads/')[1] ?? []);
  const named =
    branches.length === 0
      ? 'it has no branch at all; push a first commit'
      : `it has: ${branches.slice(0, BRANCHES_NAMED_MAX).join(', ')}${branches.length > BRANCHES_NAMED_MAX ? ', …' : ''}; correct repository.target`;
  return workspaceProblem('semantic', `repository ${withoutSecrets(mirror.url)} has no branch "${target}"; ${named}`, error);
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 20);
