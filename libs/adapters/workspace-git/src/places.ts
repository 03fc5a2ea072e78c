/** Where workspaces live on disk, so that processes that share a root never clash and what a crash left is found. */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { codeOf, removeTree } from '@baton/workbench';
import { ATTRIBUTES } from './git.ts';

export interface Places {
  /** A fresh empty directory; `name` only makes it recognisable. */
  make(name: string): Promise<string>;
  /** Removes what processes that are gone left; returns how many. */
  sweep(): Promise<number>;
}

/** Longer than any run: a process on another host cannot be asked whether it is alive. */
const FOREIGN_AGE_MS_MAX = 7 * 24 * 3_600_000;
const NAME_CHARS_MAX = 80;
/** Of this process: several may share one root. */
const live_instances = new Set<string>();

export function placesIn(root_dir: string): Places {
  const workspaces = join(root_dir, 'workspaces');
  const instance = `${hostname()}.${String(process.pid)}.${randomBytes(6).toString('hex')}`;
  live_instances.add(instance);
  let made = 0;
  return {
    make: async (name) => {
      made += 1;
      const place = join(workspaces, instance, `${fileNameOf(name)}-${String(made)}`);
      await mkdir(place, { recursive: true, mode: 0o700 });
      return place;
    },
    sweep: async () => {
      const entries = await readdir(workspaces).catch(() => []);
      let removed = 0;
      for (const entry of entries) {
        if (live_instances.has(entry) || !(await isLeftover(entry, join(workspaces, entry)))) continue;
        await removeTree(join(workspaces, entry));
        removed += 1;
      }
      return removed;
    },
  };
}

async function isLeftover(entry: string, path: string): Promise<boolean> {
  const [, host, pid] = /^(.+)\.(\d+)\.[0-9a-f]{12}$/.exec(entry) ?? [];
  if (host === undefined || pid === undefined) return false;
  // A process with our own id that is not us was before us: ids start anew with every container.
  if (host === hostname()) return Number(pid) === process.pid || !isRunning(Number(pid));
  const found = await stat(path).catch(() => null);
  return found !== null && Date.now() - found.mtimeMs > FOREIGN_AGE_MS_MAX;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

export const fileNameOf = (name: string): string =>
  name
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, NAME_CHARS_MAX) || 'work';

/**
 * Gives a directory a repository of its own that reads the mirror's objects and writes its own: an agent or a check may
 * use git as it likes, and whatever it configures stays in here, where the host never looks.
 */
export async function giveOwnRepository(
  directory: string,
  own: { readonly mirror_dir: string; readonly index: string; readonly branch: string; readonly commit: string },
): Promise<void> {
  const git_dir = join(directory, '.git');
  await Promise.all(
    ['objects/info', 'objects/pack', 'refs/heads/baton', 'info'].map((part) => mkdir(join(git_dir, part), { recursive: true })),
  );
  await Promise.all([
    writeFile(join(git_dir, 'HEAD'), `ref: refs/heads/baton/${own.branch}\n`),
    writeFile(join(git_dir, 'refs/heads/baton', own.branch), `${own.commit}\n`),
    writeFile(
      join(git_dir, 'config'),
      '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n[user]\n\tname = Baton agent\n\temail = agent@localhost\n',
    ),
    // What git says there of a change is what will be taken of it.
    writeFile(join(git_dir, 'info/attributes'), ATTRIBUTES),
    writeFile(join(git_dir, 'objects/info/alternates'), `${join(own.mirror_dir, 'objects')}\n`),
    copyFile(own.index, join(git_dir, 'index')),
  ]);
}
