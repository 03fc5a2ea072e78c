/** Where a program that is not ours is let loose: an empty home, an empty temp directory, and the variables it was promised. */
import { randomUUID } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isOwnVariable } from '@baton/contracts';
import { codeOf } from './process-group.ts';

export interface RunDirectory {
  readonly path: string;
  readonly home: string;
  readonly temp: string;
  remove(): Promise<void>;
}

export async function makeRunDirectory(parent: string): Promise<RunDirectory> {
  await mkdir(parent, { recursive: true });
  const path = await mkdtemp(join(parent, 'baton-run-'));
  const home = join(path, 'home');
  const temp = join(path, 'tmp');
  await Promise.all([mkdir(home), mkdir(temp)]);
  return { path, home, temp, remove: () => removeTree(path) };
}

/**
 * Exactly PATH, HOME, LANG, TMPDIR and the names given. A name wins over our own value: naming HOME hands over the
 * real one, which agents that keep a login there need. What is the service's own stays here, whoever names it.
 */
export function scrubbedEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  run: { readonly home: string; readonly temp: string },
  names: readonly string[],
): Record<string, string> {
  const scrubbed: Record<string, string> = {
    PATH: environment['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    HOME: run.home,
    LANG: environment['LANG'] ?? 'C.UTF-8',
    TMPDIR: run.temp,
  };
  for (const name of names) {
    const value = environment[name];
    if (value !== undefined && !isOwnVariable(name)) scrubbed[name] = value;
  }
  return scrubbed;
}

/** How far below the top a directory may lie before it is brought up: with a name behind it still a path that systems take. */
const NESTED_CHARS_MAX = 500;

/**
 * Removes a tree even where a program took the write permission off its directories (module caches do), or nested them deeper than
 * any path reaches. Absent is fine.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    await makeRemovable(path);
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function makeRemovable(top: string): Promise<void> {
  if (!(await lstat(top)).isDirectory()) return;
  const queue = [top];
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    for (const entry of await opened(at)) {
      if (!entry.isDirectory()) continue;
      const path = join(at, entry.name);
      queue.push(path.length - top.length < NESTED_CHARS_MAX ? path : await broughtUp(path, top));
    }
  }
}

/** The removal that failed goes on with what lay beside: what is gone by now needs nothing more. */
async function opened(directory: string): Promise<readonly Dirent[]> {
  try {
    await chmod(directory, 0o700);
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

async function broughtUp(path: string, top: string): Promise<string> {
  const to = join(top, randomUUID());
  // Without it nobody but root may give it another parent.
  await chmod(path, 0o700);
  await rename(path, to);
  return to;
}
