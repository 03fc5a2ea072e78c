// What a file exports, another one imports: nothing stays public that nobody asks for. Types are left alone, they name what a
// signature says; a spec is somebody who asks.
import { dirname, join } from 'node:path';
import { readWorkspaces } from '../workspaces.ts';
import type { SourceFile } from './declared-imports.ts';

// As the formatter leaves them: each begins its line.
const DECLARED = /^export (?:async |abstract )*(?:const|function\*?|class) (\w+)/gm;
const NAMED = /^(import|export) (?:type )?\{([^}]*)\} from '([^']+)'/gm;
const WHOLE = /^import \* as \w+ from '([^']+)'/gm;
const DYNAMIC = /\bimport\('([^']+)'\)/g;

/** Loaded by the compiled file's path: by a program's start, by Nx, by the peers' package, which is none of the workspace. */
const LOADED_BY_PATH = ['apps/cli/src/main.ts', 'tools/src/nx/infer-targets.mjs', 'bench/src/peer-messages.ts'];

type Doors = ReadonlyMap<string, string>;

/** Each as it is written, `type X` too, and by its own name where it is renamed. */
const namesIn = (list: string): string[] =>
  list.split(',').flatMap((one) => {
    const [name = ''] = one.trim().split(' as ');
    return name === '' ? [] : [name];
  });

/** Sentences about values that are exported and imported by no other file; `doors`: package → the file that it is entered by. */
export function unusedExports(files: readonly SourceFile[], doors: Doors): string[] {
  const used = new Set<string>();
  /** Files of which somebody takes all there is, whatever its name. */
  const whole = new Set<string>();
  const exported: { readonly path: string; readonly name: string }[] = [];
  for (const { path, text } of files) {
    const target = (specifier: string): string =>
      specifier.startsWith('.') ? join(dirname(path), specifier) : (doors.get(specifier) ?? specifier);
    for (const [, how, list = '', specifier = ''] of text.matchAll(NAMED)) {
      const names = namesIn(list);
      for (const name of names) used.add(`${target(specifier)}#${name.replace(/^type /, '')}`);
      if (how === 'export') exported.push(...names.filter((name) => !name.startsWith('type ')).map((name) => ({ path, name })));
    }
    for (const [, specifier = ''] of text.matchAll(WHOLE)) whole.add(target(specifier));
    // Any word of the file may be what is taken from it.
    for (const [, specifier = ''] of text.matchAll(DYNAMIC))
      for (const word of new Set(text.match(/\w+/g))) used.add(`${target(specifier)}#${word}`);
    for (const [, name = ''] of text.matchAll(DECLARED)) exported.push({ path, name });
  }
  return exported
    .filter(
      ({ path, name }) =>
        !LOADED_BY_PATH.includes(path) && !whole.has(path) && !/(\.spec\.ts|\/test\/)/.test(path) && !used.has(`${path}#${name}`),
    )
    .map(({ path, name }) => `${path} exports ${name}, which no other file imports; keep it to the file, or remove it`);
}

/** The same about a repository, of which all files are given. */
export const exportsNobodyImports = (root: string, files: readonly SourceFile[]): string[] =>
  unusedExports(
    files.filter(({ path }) => /\.(ts|mjs)$/.test(path)),
    new Map(readWorkspaces(root).map(({ name, folder }) => [name, `${folder}/src/index.ts`])),
  );
