/** Where a program that is not ours is let loose: an empty home, an empty temp directory, and the variables it was promised. */
import { chmod, lstat, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

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
 * real one, which agents that keep a login there need.
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
    if (value !== undefined) scrubbed[name] = value;
  }
  return scrubbed;
}

/** Removes a tree even where a program took the write permission off its directories (module caches do). Absent is fine. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    await makeWritable(path);
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function makeWritable(path: string): Promise<void> {
  if (!(await lstat(path)).isDirectory()) return;
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isDirectory()) await makeWritable(join(path, entry.name));
}
