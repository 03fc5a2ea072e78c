// Every tsconfig.json references exactly the @baton packages its package.json depends on, and the root references all.
//   node tools/src/sync-references.ts           writes what differs
//   node tools/src/sync-references.ts --check   fails and names what differs
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { argv, exit, stderr, stdout } from 'node:process';
import { readWorkspaces, type Workspace } from './workspaces.ts';

type TsConfig = { references?: { path: string }[] };

/** Brings the references up to date (or only looks, with `check`) and returns the files that differed. */
export function syncReferences(root: string, check: boolean): string[] {
  const workspaces = readWorkspaces(root).filter((workspace) => existsSync(join(root, workspace.folder, 'tsconfig.json')));
  const wanted = new Map(
    workspaces.map((workspace) => [join(workspace.folder, 'tsconfig.json'), references(workspace, workspaces)]),
  );
  wanted.set(
    'tsconfig.json',
    workspaces.map(({ folder }) => folder),
  );

  const differing = [...wanted].filter(([file, paths]) => !same(readConfig(join(root, file)).references, paths));
  if (!check) differing.forEach(([file, paths]) => write(join(root, file), paths));
  return differing.map(([file]) => file);
}

function references(workspace: Workspace, all: readonly Workspace[]): string[] {
  return all
    .filter(({ name }) => workspace.dependencies.includes(name))
    .map(({ folder }) => relative(workspace.folder, folder).replaceAll('\\', '/'));
}

function same(actual: TsConfig['references'], wanted: readonly string[]): boolean {
  return JSON.stringify((actual ?? []).map(({ path }) => path).toSorted()) === JSON.stringify(wanted.toSorted());
}

function readConfig(file: string): TsConfig {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as TsConfig;
  } catch (cause) {
    throw new Error(`${file} is not plain JSON; remove comments and trailing commas`, { cause });
  }
}

function write(file: string, paths: readonly string[]): void {
  const config = { ...readConfig(file), references: paths.map((path) => ({ path })) };
  // The formatter's own layout, so that writing references never makes a formatting difference.
  const text = JSON.stringify(config, null, 2)
    .replaceAll(/\{\s+"path": ("[^"]+")\s+\}/g, '{ "path": $1 }')
    .replaceAll(/\[\s+("[^"\]]+"(?:,\s+"[^"\]]+")*)\s+\]/g, (_, items: string) => `[${items.replaceAll(/\s+/g, ' ')}]`);
  writeFileSync(file, `${text}\n`);
}

if (import.meta.main) {
  const check = argv.includes('--check');
  const differing = syncReferences(dirname(dirname(import.meta.dirname)), check);
  if (check && differing.length > 0) {
    stderr.write(`These references differ from package.json: ${differing.join(', ')}\nRun: npm run sync\n`);
    exit(1);
  }
  if (differing.length > 0) stdout.write(`Wrote ${differing.join(', ')}\n`);
}
