/** Where Baton keeps what it fetched for this user: found again by the next run, lost without harm. */
import { access, constants, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

const REPOSITORY = resolve(import.meta.dirname, '../../..');

/** `$XDG_CACHE_HOME/baton`, else `~/.cache/baton`, else (no home, or a read-only one) `.cache/baton` in the repository. */
export async function cacheDirectory(): Promise<string> {
  const failures: string[] = [];
  for (const home of [process.env.XDG_CACHE_HOME, join(homedir(), '.cache'), join(REPOSITORY, '.cache')]) {
    if (!home) continue;
    const directory = join(home, 'baton');
    try {
      await mkdir(directory, { recursive: true });
      await access(directory, constants.W_OK);
      return directory;
    } catch (error) {
      failures.push(`${directory}: ${(error as Error).message}`);
    }
  }
  throw new Error(
    `no directory to cache downloads in:\n  ${failures.join('\n  ')}\nset XDG_CACHE_HOME to a directory that can be written`,
  );
}
