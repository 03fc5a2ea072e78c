/** What git keeps elsewhere than in the tree cannot be taken from a directory: it is refused by name, not dropped, and not landed as something else. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { workspaceProblem } from '@baton/workbench';
import type { ChangedPath } from './change.ts';
import { named } from './checkout.ts';
import type { Git, GitCall } from './git.ts';

const REGULAR_FILE = /^100/;

/** No filter runs here, so that what an agent wrote would land as it is, where everybody's git expects what the filter makes of it. */
export async function assertUnfiltered(git: Git, call: GitCall, changed: readonly ChangedPath[]): Promise<void> {
  const written = changed.filter(({ new_mode }) => REGULAR_FILE.test(new_mode)).map(({ path }) => `${path}\0`);
  if (written.length === 0) return;
  const { stdout } = await git(['check-attr', '--cached', '-z', '--stdin', 'filter'], {
    ...call,
    input: Buffer.from(written.join('')),
  });
  const fields = stdout.toString('utf8').split('\0');
  const filtered: string[] = [];
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [path = '', , filter = ''] = fields.slice(at, at + 3);
    // Without a name it is no filter.
    if (!['unspecified', 'unset', 'set'].includes(filter)) filtered.push(`${path} (${filter})`);
  }
  if (filtered.length > 0)
    throw workspaceProblem(
      'semantic',
      `the change writes files that .gitattributes give to a filter, as Git LFS does: ${named(filtered)}; filters are not supported here, leave these files as they are, or change them by hand`,
    );
}

/** One that was cloned into its place is a repository of its own, whose owner sees what is changed in there. */
export async function assertNothingInSubmodules(directory: string, submodules: readonly string[]): Promise<void> {
  const written = (await Promise.all(submodules.map((path) => writtenIn(directory, path)))).flat();
  if (written.length > 0)
    throw workspaceProblem(
      'semantic',
      `the change writes into a submodule: ${named(written)}; submodules are empty here and nothing in them can be handed on, change them in their own repository`,
    );
}

async function writtenIn(directory: string, path: string): Promise<readonly string[]> {
  const found = await lstat(join(directory, path)).catch(() => null);
  if (found === null) return [];
  if (!found.isDirectory()) return [path];
  const entries = await readdir(join(directory, path)).catch((): string[] => []);
  return entries.includes('.git') ? [] : entries.map((entry) => `${path}/${entry}`);
}
