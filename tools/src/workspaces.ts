// One reading of the workspace for every tool: which packages there are, of which kind, and which of ours they depend on.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type Workspace = {
  /** Relative to the root, with forward slashes: `libs/adapters/agent-command`. */
  readonly folder: string;
  readonly name: string;
  /** The tag `kind:<kind>` under nx.tags; it says which rules of the dependency table apply. */
  readonly kind: string;
  /** Its `@baton/*` dependencies, by name. */
  readonly dependencies: readonly string[];
};

type Manifest = { name: string; workspaces?: string[]; nx?: { tags?: string[] }; dependencies?: Record<string, string> };

export function readWorkspaces(root: string): Workspace[] {
  const patterns = readManifest(join(root, 'package.json')).workspaces ?? [];
  const files = globSync(
    patterns.map((pattern) => `${pattern}/package.json`),
    { cwd: root },
  );
  return [...new Set(files)].map((file) => readWorkspace(root, dirname(file).replaceAll('\\', '/'))).toSorted(byFolder);
}

function readWorkspace(root: string, folder: string): Workspace {
  const manifest = readManifest(join(root, folder, 'package.json'));
  const kind = manifest.nx?.tags?.find((tag) => tag.startsWith('kind:'))?.slice('kind:'.length);
  if (kind === undefined) throw new Error(`${folder}/package.json has no kind; add "nx": { "tags": ["kind:…"] }`);
  const dependencies = Object.keys(manifest.dependencies ?? {}).filter((name) => name.startsWith('@baton/'));
  return { folder, name: manifest.name, kind, dependencies };
}

function readManifest(file: string): Manifest {
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
}

function byFolder(a: Workspace, b: Workspace): number {
  return a.folder < b.folder ? -1 : 1;
}
