/** Which paths a change touches and which of them it may: pure, read from trees and never from what anybody says. */
import { nameOnAnySystem } from '@baton/contracts';
import { workspaceProblem, writable, type WriteSet } from '@baton/workbench';

export interface ChangedPath {
  readonly path: string;
  /** Git's octal modes; 000000 = not there. */
  readonly old_mode: string;
  readonly new_mode: string;
  /** Of its content; zeros = not there. */
  readonly new_id: string;
  /** 0 for binary files. */
  readonly insertions: number;
  readonly deletions: number;
}

const SYMLINK = '120000';
const GITLINK = '160000';

/** Git obeys these: what they say would act on whoever checks the change out. A person may change them, an agent not. */
const GIT_CONFIGURATION = new Set(['.gitmodules', '.gitattributes', '.gitconfig']);
/** The short names that Windows gives to `.git`, `.gitmodules` and the like. */
const SHORT_NAME = /^(git|gitmod|gitatt|gitcon|gi[0-9a-f]{4})~[0-9]+$/;

/** Whether some file system somewhere takes this for something that git looks at. */
function isGits(part: string): boolean {
  const name = nameOnAnySystem(part);
  return name === '.git' || GIT_CONFIGURATION.has(name) || SHORT_NAME.test(name);
}

/** `git diff-tree -r -z --raw --numstat`: first all modes, then all counts. */
export function parseDiffTree(output: Buffer): readonly ChangedPath[] {
  const fields = output.toString('utf8').split('\0');
  const modes = new Map<string, Pick<ChangedPath, 'old_mode' | 'new_mode' | 'new_id'>>();
  const changed: ChangedPath[] = [];
  for (let index = 0; index < fields.length - 1; index++) {
    const field = fields[index] ?? '';
    if (field.startsWith(':')) {
      const [old_mode = '', new_mode = '', , new_id = ''] = field.slice(1).split(' ', 4);
      modes.set(fields[++index] ?? '', { old_mode, new_mode, new_id });
      continue;
    }
    const [insertions = '', deletions = '', ...path_parts] = field.split('\t');
    const path = path_parts.join('\t');
    const mode = modes.get(path);
    if (mode === undefined) throw outOfOrder(`lines of "${path}" are counted, and its modes are not named`);
    changed.push({ path, ...mode, insertions: countOf(insertions), deletions: countOf(deletions) });
  }
  if (changed.length !== modes.size)
    throw outOfOrder(`${String(modes.size)} paths are named, and ${String(changed.length)} counted`);
  return changed;
}

/** Two ways of reading one tree disagree: it is not one that git has made. */
const outOfOrder = (how: string): Error =>
  workspaceProblem(
    'policy',
    `git tells of one change twice and not the same (${how}): the repository holds a tree that is out of order; git fsck names it`,
  );

const countOf = (text: string): number => (text === '-' ? 0 : Number(text));

/** `git ls-files -z --stage --others`: gitlinks of the base, and what is not in the index; a name with `/` at its end is a repository. */
export function parseListing(output: Buffer): { readonly gitlinks: readonly string[]; readonly others: readonly string[] } {
  const gitlinks: string[] = [];
  const others: string[] = [];
  for (const entry of output.toString('utf8').split('\0')) {
    const staged = /^[0-7]{6} [0-9a-f]{40,64} [0-3]\t/.exec(entry)?.[0];
    if (staged === undefined) {
      if (entry !== '') others.push(entry);
    } else if (staged.startsWith(GITLINK)) gitlinks.push(entry.slice(staged.length));
  }
  return { gitlinks, others };
}

/** Paths that are outside the write-set, or that nobody may write by way of a task. `symlinkTarget` reads a changed link. */
export async function refusedPaths(
  changed: readonly ChangedPath[],
  allowed: WriteSet,
  symlinkTarget: (path: string) => Promise<string>,
): Promise<readonly string[]> {
  const may = writable(allowed);
  const refused: string[] = [];
  for (const { path, old_mode, new_mode } of changed) {
    if (!may(path) || isForbidden(path) || old_mode === GITLINK || new_mode === GITLINK) refused.push(path);
    else if (new_mode === SYMLINK && leavesTree(path, await symlinkTarget(path))) refused.push(path);
  }
  return refused;
}

export function isForbidden(path: string): boolean {
  // A name that is not UTF-8 was decoded to something else; one with a line break is two in any list people read.
  if (path === '' || path.startsWith('/') || /[\uFFFD\\\n\r\u2028\u2029]/.test(path)) return true;
  return path.split('/').some((part) => part === '' || part === '.' || part === '..' || isGits(part));
}

/**
 * A link may go up only first and then only down: its own directory is a real one in the tree, so that the way up is
 * exact, and on the way down any other link is held to the same. `a/link/..` would be resolved by where `link` points.
 */
export function leavesTree(path: string, target: string): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\0')) return true;
  let depth = path.split('/').length - 1;
  let went_down = false;
  for (const part of target.split('/')) {
    if (part === '' || part === '.') continue;
    if (isGits(part)) return true;
    if (part !== '..') went_down = true;
    else if (went_down || --depth < 0) return true;
  }
  return false;
}
