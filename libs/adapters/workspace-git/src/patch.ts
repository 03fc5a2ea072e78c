/** A change on its way between services: a patch, read without any repository. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ArtifactStore } from '@baton/ports';
import { workspaceProblem } from '@baton/workbench';
import { GitFailure, type Git } from './git.ts';
import { problemOf } from './git-problems.ts';

/** Below what the artifact store takes. */
export const PATCH_BYTES_MAX = 48 * 1024 * 1024;

/** Compares two trees and nothing else: git would read `.gitmodules` of the directory it is run in, which an agent has written. */
export const TREES_ONLY = [
  'diff-tree',
  '-r',
  '--no-renames',
  '--no-ext-diff',
  '--no-textconv',
  '--ignore-submodules=none',
] as const;

/** Trees in, bytes out: no rename detection, no configuration, every blob in full, so that the same trees give the same patch. */
export const DIFF_ARGUMENTS = [
  ...TREES_ONLY,
  '-p',
  '--binary',
  '--full-index',
  '--no-color',
  '--src-prefix=a/',
  '--dst-prefix=b/',
  '--unified=3',
] as const;

/** In a patch a line that begins like this can only be part of a header. */
const RENAME_OR_COPY = /^(rename|copy) (from|to) /m;

export async function patchPaths(
  git: Git,
  empty_dir: string,
  artifacts: ArtifactStore,
  artifact: string,
): Promise<readonly string[]> {
  const patch = await artifacts.get(artifact);
  // numstat names only where a rename ends, not where it began.
  if (RENAME_OR_COPY.test(Buffer.from(patch.buffer, patch.byteOffset, patch.byteLength).toString('latin1'))) {
    throw workspaceProblem('policy', `artifact ${artifact} moves files as renames, which hides a path; collect the change again`);
  }
  await mkdir(empty_dir, { recursive: true });
  try {
    // The ceiling keeps git from finding a repository above: the directory may be inside one.
    const { stdout } = await git(['apply', '--numstat', '-z', '-'], {
      directory: empty_dir,
      input: patch,
      variables: { GIT_CEILING_DIRECTORIES: dirname(empty_dir) },
    });
    const lines = stdout.toString('utf8').split('\0');
    const paths = lines.filter((line) => line !== '').map((line) => line.split('\t').slice(2).join('\t'));
    // What becomes a link, or was one, is told as taken away and as added.
    return [...new Set(paths)];
  } catch (error) {
    if (error instanceof GitFailure && error.reason === 'exit-code')
      throw workspaceProblem(
        'semantic',
        `artifact ${artifact} is not a patch; give only artifacts that a git workspace collected`,
        error,
      );
    throw problemOf(error, `read artifact ${artifact}`, 'none');
  }
}

export async function patchText(artifacts: ArtifactStore, artifact: string, bytes_max: number): Promise<string> {
  const patch = await artifacts.get(artifact);
  // `stream` leaves a character that is cut in two away.
  return new TextDecoder().decode(patch.subarray(0, bytes_max), { stream: true });
}

/** The file that a place in a patch belongs to, as its header names it. */
export function pathAt(patch: Buffer, offset: number): string {
  const header = patch.lastIndexOf('diff --git ', offset);
  if (header < 0) return 'no file';
  const line = patch.subarray(header, patch.indexOf('\n', header)).toString('utf8');
  return offset < header + line.length ? 'in the name of a file' : line.slice('diff --git '.length);
}

/** The paths git names when a patch does not fit. */
export function conflictPaths(said: string): readonly string[] {
  const found = new Set<string>();
  for (const line of said.split('\n')) {
    const path =
      /^U (.+)$/.exec(line)?.[1] ??
      /^error: patch failed: (.+):\d+$/.exec(line)?.[1] ??
      /^error: (.+): (?:patch does not apply|already exists in (?:index|working directory)|does not exist in index|does not match index|wrong type)$/.exec(
        line,
      )?.[1];
    if (path !== undefined) found.add(path);
  }
  return [...found];
}
