// House rules about files and folders; what needs a syntax tree is in ../lint, what needs the import graph in ../boundaries.ts.
// Each rule is a function from what it looks at to sentences that name the place and the fix.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readWorkspaces, type Workspace } from '../workspaces.ts';
import { importsThatDiffer, type SourceFile } from './declared-imports.ts';
import { exportsNobodyImports } from './unused-exports.ts';

const FILE_LINES_MAX = 300;
const README_SECTIONS = ['Owns', 'Consumes', 'Emits', 'Env', 'Alerts'];

export type Ratchet = { readonly files: Readonly<Record<string, number>>; readonly functions: Readonly<Record<string, number>> };

const isSource = (path: string): boolean => /\.(ts|tsx|mjs|js|sql|css)$/.test(path);
// Reading notes for people, generated documents and data are not code.
const isCode = (path: string): boolean => isSource(path) || /\.(json|ya?ml|sh|conf)$|(^|\/)(Dockerfile[^/]*|run)$/.test(path);
// Written so that this file passes its own rule.
const UNFINISHED = /\b(TO[D]O|FIX[M]E|XX[X])\b/;

export function fileLength({ path, text }: SourceFile, ratchet: Ratchet): string[] {
  if (!isSource(path)) return [];
  const lines = text.replace(/\n$/, '').split('\n').length;
  const listed = ratchet.files[path];
  const allowed = listed ?? FILE_LINES_MAX;
  if (lines > allowed) return [`${path} has ${lines} lines, ${allowed} are allowed; split it by responsibility`];
  if (listed !== undefined && lines < listed)
    return [`${path} shrank to ${lines} lines; lower or remove it in tools/src/tidy/ratchet.json`];
  return [];
}

export function unfinishedWork({ path, text }: SourceFile): string[] {
  if (!isCode(path) || /(^|\/)package-lock\.json$/.test(path)) return [];
  return text
    .split('\n')
    .flatMap((line, index) =>
      UNFINISHED.test(line) ? [`${path}:${index + 1} leaves work in a comment; do it or open an issue`] : [],
    );
}

export function ratchetIsTrue(ratchet: Ratchet, paths: readonly string[]): string[] {
  const listed = [...Object.keys(ratchet.files), ...Object.keys(ratchet.functions).map((key) => key.split('#')[0] ?? key)];
  return listed
    .filter((path) => !paths.includes(path))
    .map((path) => `tools/src/tidy/ratchet.json lists ${path}, which is gone; remove it`);
}

export function oneDoor(workspace: Workspace, paths: readonly string[]): string[] {
  const doors = paths.filter((path) => path.startsWith(`${workspace.folder}/`) && /(^|\/)index\.tsx?$/.test(path));
  const problems = doors
    .filter((path) => path !== `${workspace.folder}/src/index.ts`)
    .map((path) => `${path} is a second door; name the file after what it holds`);
  const needsDoor = workspace.folder.startsWith('libs/') && doors.length === 0;
  return needsDoor ? [`${workspace.folder}/src/index.ts is missing; a library is entered there`] : problems;
}

export function appReadme(workspace: Workspace, read: (path: string) => string | undefined): string[] {
  if (workspace.kind !== 'app' || workspace.folder === 'apps/cli') return [];
  const path = `${workspace.folder}/README.md`;
  const text = read(path);
  if (text === undefined) return [`${path} is missing; it says ${README_SECTIONS.join(', ')} on one screen`];
  const missing = README_SECTIONS.filter((section) => !new RegExp(`^(#+|\\|)?\\s*\\**${section}\\b`, 'im').test(text));
  return missing.map((section) => `${path} has no "${section}"; a reader looks for it there`);
}

export function exactVersions(workspaceFile: SourceFile): string[] {
  const manifest = JSON.parse(workspaceFile.text) as Record<string, Record<string, string> | undefined>;
  const all = { ...manifest['dependencies'], ...manifest['devDependencies'] };
  const ranged = Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version));
  return ranged.map(([name, version]) => `${workspaceFile.path} asks for ${name}@${version}; pin one exact version`);
}

/** Every broken house rule of a repository, in sentences. */
export function brokenHouseRules(root: string): string[] {
  const paths = filesUnder(root);
  const ratchet = JSON.parse(readFileSync(join(root, 'tools/src/tidy/ratchet.json'), 'utf8')) as Ratchet;
  const read = (path: string): string | undefined => (paths.includes(path) ? readFileSync(join(root, path), 'utf8') : undefined);
  const files = paths.filter(isCode).map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
  return [
    ...files.flatMap((file) => [...fileLength(file, ratchet), ...unfinishedWork(file)]),
    ...files.filter(({ path }) => /(^|\/)package\.json$/.test(path)).flatMap(exactVersions),
    ...ratchetIsTrue(ratchet, paths),
    ...exportsNobodyImports(root, files),
    ...importsThatDiffer(root, files),
    ...readWorkspaces(root).flatMap((workspace) => [...oneDoor(workspace, paths), ...appReadme(workspace, read)]),
  ];
}

const NOT_OURS = new Set(['node_modules', 'dist', 'coverage', '.git', '.nx', '.cache', '.baton']);

// By walking, not by asking git: the rules hold in an unpacked archive just as well.
function filesUnder(root: string, folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter(({ name }) => !NOT_OURS.has(name))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return filesUnder(root, path);
      return entry.isFile() ? [path] : [];
    });
}
