/** A copy of the repository in which something may be broken: nothing of it leads back to the sources it was made from. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { readWorkspaces } from '../workspaces.ts';

export interface Copy {
  readonly root: string;
  /** Runs `broken` while the file has this text; it has its own again afterwards. */
  during<T>(file: string, text: string, broken: () => Promise<T>): Promise<T>;
  remove(): void;
}

const LEFT_OUT = new Set(['node_modules', 'dist', 'coverage', '.git', '.nx', '.cache', '.baton']);

export function copyOf(repository: string): Copy {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'baton-mutations-')));
  cpSync(repository, root, { recursive: true, filter: (path) => path === repository || !LEFT_OUT.has(basename(path)) });
  linkPackages(repository, root);
  return {
    root,
    during: async (file, text, broken) => {
      const path = join(root, file);
      const sound = readFileSync(path);
      writeFileSync(path, text);
      try {
        return await broken();
      } finally {
        writeFileSync(path, sound);
      }
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Packages from outside are those of the repository; our own are those of the copy, or what is broken there would not be imported. */
function linkPackages(repository: string, root: string): void {
  const workspaces = readWorkspaces(repository);
  mkdirSync(join(root, 'node_modules', '@baton'), { recursive: true });
  for (const entry of readdirSync(join(repository, 'node_modules'))) {
    if (entry !== '@baton' && !entry.startsWith('.'))
      link(join(repository, 'node_modules', entry), join(root, 'node_modules', entry));
  }
  for (const { name, folder } of workspaces) {
    if (name.startsWith('@baton/')) link(join(root, folder), join(root, 'node_modules', name));
    const own = join(repository, folder, 'node_modules');
    if (existsSync(own)) link(own, join(root, folder, 'node_modules'));
  }
}

const link = (target: string, path: string): void => symlinkSync(target, path, 'junction');
