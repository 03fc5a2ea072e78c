/** Files that are not what they seem: git passes over some of them in silence, and would wait for ever to read others. */
import { lstat, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { codeOf } from '@baton/workbench';
import type { ChangedPath } from './change.ts';

const NAMED_MAX = 20;
const TOO_LONG_CHARS_SHOWN = 200;
/** Git's mode of what is not there any more. */
const ABSENT = '000000';

/** Pipes, sockets, devices and directories that are too deep, ignored or not: a check or a person would open them. Its own repository is never taken, nor looked at. */
export async function strangeFiles(directory: string): Promise<readonly string[]> {
  const found: string[] = [];
  const queue = [directory];
  for (let at = queue.pop(); at !== undefined && found.length < NAMED_MAX; at = queue.pop()) {
    // A directory may be closed to us, or gone: then nothing in it is taken either.
    const entries = await readdir(at, { withFileTypes: true }).catch((error: unknown) => {
      // Git passes over what no path reaches.
      if (codeOf(error) === 'ENAMETOOLONG') found.push(`${relative(directory, at).slice(0, TOO_LONG_CHARS_SHOWN)}…`);
      return [];
    });
    for (const entry of entries) {
      const path = join(at, entry.name);
      if (at === directory && entry.name === '.git') continue;
      if (entry.isDirectory()) queue.push(path);
      else if (!entry.isFile() && !entry.isSymbolicLink()) found.push(relative(directory, path));
    }
  }
  return found.toSorted();
}

/** Its content is that of a file which may be anywhere on this disk, and may change after it was looked at. */
export async function hardLinks(directory: string, changed: readonly ChangedPath[]): Promise<readonly string[]> {
  const linked = await Promise.all(
    changed.map(async ({ path }) => {
      const found = await lstat(join(directory, path)).catch(() => null);
      return found?.isFile() === true && found.nlink > 1 ? [path] : [];
    }),
  );
  return linked.flat();
}

/**
 * A directory with these three is a repository to git, without any `.git`: who stands in it, in a checkout, obeys the
 * configuration in it. Nothing in one is taken, nor what would make one.
 */
const MAKE_A_REPOSITORY = ['HEAD', 'objects', 'refs'];

export async function insideRepositories(directory: string, changed: readonly ChangedPath[]): Promise<readonly string[]> {
  const known = new Map<string, Promise<boolean>>();
  const isRepository = (at: string): Promise<boolean> => {
    const answer = known.get(at) ?? hasAll(join(directory, at));
    known.set(at, answer);
    return answer;
  };
  const inside = await Promise.all(
    changed.map(async ({ path, new_mode }) => {
      if (new_mode === ABSENT) return [];
      const parts = path.split('/').slice(0, -1);
      const above = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
      return (await Promise.all(['.', ...above].map(isRepository))).includes(true) ? [path] : [];
    }),
  );
  return inside.flat();
}

async function hasAll(place: string): Promise<boolean> {
  const found = await Promise.all(MAKE_A_REPOSITORY.map((name) => lstat(join(place, name)).catch(() => null)));
  return found.every((entry) => entry !== null);
}
