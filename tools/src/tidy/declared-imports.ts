// What a package imports and what its package.json names are the same: nothing works only because somebody else installs it,
// and nothing is installed, or built first, that nobody needs.
import { existsSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { SPECS_MAY } from '../boundaries.ts';
import { readWorkspaces, type Workspace } from '../workspaces.ts';

export type SourceFile = { readonly path: string; readonly text: string };
export type Manifest = {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
};
export type Surroundings = {
  /** What every spec may import without its package naming it: jest and the like, which the root names, and our test support. */
  readonly forSpecs: readonly string[];
  /** The manifest of an npm package that is installed. */
  readonly installed: (name: string) => Manifest;
};

const SPEC = /(\.spec\.tsx?$|\/test\/)/;
// As the formatter leaves them: a static import begins its line, so that one in a string is none.
const STATIC = /^(?:import|export)\b[\w\s{},*$]*?\bfrom '([^']+)'|^import '([^']+)'/gm;
const DYNAMIC = /\bimport\('([^'\\]+)'\)/g;

export function importedPackages(text: string): Set<string> {
  const specifiers = [...text.matchAll(STATIC), ...text.matchAll(DYNAMIC)].map(([, first, second]) => first ?? second ?? '');
  const outside = specifiers.filter((specifier) => /^[@a-z]/i.test(specifier) && !isBuiltin(specifier));
  return new Set(outside.map((specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')));
}

/** Sentences about one package; `files` are its own. */
export function undeclaredAndUnused(
  { folder, name: own, kind }: Pick<Workspace, 'folder' | 'name' | 'kind'>,
  manifest: Manifest,
  files: readonly SourceFile[],
  { forSpecs, installed }: Surroundings,
): string[] {
  const specs = files.filter(({ path }) => SPEC.test(path)).map(({ text }) => text);
  const code = files.filter(({ path }) => !SPEC.test(path)).map(({ text }) => text);
  const imported = (texts: readonly string[]): string[] => [...new Set(texts.flatMap((text) => [...importedPackages(text)]))];
  // By its name at the beginning of a string: some are resolved, or put together, before they are loaded.
  const used = (name: string, texts: readonly string[]): boolean =>
    texts.some((text) => ["'", '/', '`'].some((end) => text.includes(`'${name}${end}`) || text.includes(`\`${name}${end}`)));
  const file = `${folder}/package.json`;
  const dependencies = Object.keys(manifest.dependencies ?? {});
  const named = [...dependencies, ...Object.keys(manifest.devDependencies ?? {})];
  const peers = dependencies
    .filter((name) => used(name, code))
    .flatMap((name) => Object.keys(installed(name).peerDependencies ?? {}));
  const maybe = SPECS_MAY.includes(kind) ? forSpecs : [];
  const absent = [
    ...imported(code)
      .filter((name) => ![own, ...dependencies, ...maybe].includes(name))
      .map((name) => `${file} does not name ${name}, which its code imports; add it to dependencies`),
    ...imported(specs)
      .filter((name) => ![own, ...named, ...forSpecs, ...imported(code)].includes(name))
      .map((name) => `${file} does not name ${name}, which its specs import; add it to devDependencies`),
  ];
  const needless = named
    .filter((name) => !(dependencies.includes(name) && (used(name, code) || peers.includes(name))))
    .map((name) => {
      if (!used(name.replace(/^@types\//, ''), [...code, ...specs]))
        return `${file} names ${name}, which nothing in it imports; remove it`;
      return dependencies.includes(name)
        ? `${file} names ${name} among dependencies, and only specs import it; move it to devDependencies`
        : null;
    })
    .filter((sentence) => sentence !== null);
  return [...absent, ...needless];
}

/** The same about every package of a repository, of which all files are given. */
export function importsThatDiffer(root: string, files: readonly SourceFile[]): string[] {
  const read = (file: string): Manifest =>
    existsSync(join(root, file)) ? (JSON.parse(readFileSync(join(root, file), 'utf8')) as Manifest) : {};
  const workspaces = readWorkspaces(root);
  const support = workspaces.filter(({ kind }) => SPECS_MAY.includes(kind)).map(({ name }) => name);
  const surroundings: Surroundings = {
    forSpecs: [...Object.keys(read('package.json').devDependencies ?? {}), ...support],
    installed: (name) => read(`node_modules/${name}/package.json`),
  };
  const folders = files.filter(({ path }) => path.endsWith('/package.json')).map(({ path }) => dirname(path));
  const folderOf = (path: string): string | undefined =>
    folders.filter((folder) => path.startsWith(`${folder}/`)).toSorted((a, b) => b.length - a.length)[0];
  return workspaces.flatMap((workspace) => {
    const own = files.filter(({ path }) => /\.(tsx?|m?js)$/.test(path) && folderOf(path) === workspace.folder);
    return undeclaredAndUnused(workspace, read(`${workspace.folder}/package.json`), own, surroundings);
  });
}
