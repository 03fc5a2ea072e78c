/** Finds a program the way the system would, before a wrapper that always exists is started in its place. */
import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';

export type FoundProgram = { readonly path: string } | { readonly code: 'ENOENT' | 'EACCES' };

export function findProgram(program: string, path: string, directory: string): FoundProgram {
  if (program === '') return { code: 'ENOENT' };
  if (program.includes('/')) return runnable(resolve(directory, program));
  let seen: FoundProgram = { code: 'ENOENT' };
  for (const place of path.split(':')) {
    const found = runnable(join(isAbsolute(place) ? place : resolve(directory, place), program));
    if ('path' in found) return found;
    if (found.code === 'EACCES') seen = found;
  }
  return seen;
}

function runnable(path: string): FoundProgram {
  try {
    if (!statSync(path).isFile()) return { code: 'EACCES' };
  } catch {
    return { code: 'ENOENT' };
  }
  try {
    accessSync(path, constants.X_OK);
    return { path };
  } catch {
    return { code: 'EACCES' };
  }
}
