/** What an agent may leave behind, made up by the hundred: each part knows whether it may travel. */
import { chmod, link, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';

/** Strange, but a name like any other: it has to arrive byte for byte. */
const STRANGE_NAMES = [
  'plain.txt',
  '-rf',
  '--output=canary',
  '--upload-pack=touch canary',
  ' lead',
  'trail ',
  'dot.',
  '"quoted"',
  "it's",
  '$(touch canary)',
  '`touch canary`',
  '; touch canary',
  '*',
  '?[a]{b,c}',
  '!not',
  '#comment',
  ':(top)x',
  ':x',
  '~',
  '%2e%2e',
  '...',
  'caf\u00e9',
  'cafe\u0301',
  'README.md',
  'readme.md',
  'ReadMe.MD',
  '\u202etxt.exe',
  '\u2066a\u2069',
  '\u200b',
  'emoji 💥',
  'CON',
  'aux.txt',
  'x'.repeat(200),
  '.hidden',
  '.github',
  '.gitkeep',
  'git',
  'git~',
  'HEAD',
  'a\tb',
  '\u001b[31mred',
  '\u007f',
  'diff --git a/x b/x',
  'rename from x',
] as const;

/** What git would run by itself, or asks for what has changed. */
export const HOOKS = [
  'pre-commit',
  'post-checkout',
  'post-index-change',
  'pre-push',
  'reference-transaction',
  'post-applypatch',
  'fsmonitor-watchman',
] as const;

/** To some git on some disk each of these is a place that git obeys, or another name than it seems. */
export const FORBIDDEN_NAMES = [
  '.git',
  '.GIT',
  '.Git',
  '.git ',
  '.git.',
  '.git. .',
  '.git::$INDEX_ALLOCATION',
  '.git:stream',
  'git~1',
  'GIT~2',
  '.g\u200cit',
  '.gi\u202et',
  '\ufeff.git',
  '.gitmodules',
  '.GitModules',
  '.gitmodules ',
  '.gitmodules::$DATA',
  'gitmod~1',
  'gi7eba~1',
  '.gitattributes',
  '.gitattributes.',
  'GITATT~1',
  '.gitconfig',
  'back\\slash',
  'two\nlines',
  '\n',
  'carriage\rreturn',
  'line\u2028separator',
] as const;
const SAFE_TARGETS = ['README.md', 'src', './src/one.txt', 'nowhere', 'src/one.txt ', 'a\nb', '-rf', '...'] as const;
/** More folders than any path here has: it leads out from wherever it lies. */
const OUT = '../'.repeat(80);
const UNSAFE_TARGETS = [
  '/etc/passwd',
  '/',
  `${OUT}outside`,
  `src/${OUT}outside`,
  '.git/hooks/pre-commit',
  'src/.GIT/config',
  '.git /config',
  'git~1/hooks',
  'src/../README.md',
];
const CONTENTS = [
  '',
  'one line',
  'lines\nand\nmore\n',
  'windows\r\n',
  '\0\u0001\u0002binary\0',
  '\ufeffbom\n',
  'a'.repeat(100_000),
] as const;

type Kind = 'file' | 'program' | 'link' | 'hard-link' | 'repository';

export interface Part {
  readonly path: string;
  readonly kind: Kind;
  /** Content of a file, target of a link. */
  readonly text: string;
  /** It must not be handed on. */
  readonly forbidden: boolean;
}

const directories = fc.oneof(
  { weight: 4, arbitrary: fc.constant('') },
  { weight: 2, arbitrary: fc.constantFrom('src/', 'new/', 'a b/c/') },
  { weight: 1, arbitrary: fc.integer({ min: 2, max: 60 }).map((deep) => 'd/'.repeat(deep)) },
);
const names = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...STRANGE_NAMES).map((name) => ({ name, forbidden: false })) },
  { weight: 1, arbitrary: fc.constantFrom(...FORBIDDEN_NAMES).map((name) => ({ name, forbidden: true })) },
);
const targets = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...SAFE_TARGETS).map((text) => ({ text, forbidden: false })) },
  { weight: 1, arbitrary: fc.constantFrom(...UNSAFE_TARGETS).map((text) => ({ text, forbidden: true })) },
);
const contents = fc.constantFrom(...CONTENTS).map((text) => ({ text, forbidden: false }));
const things = fc.oneof(
  { weight: 6, arbitrary: contents.map((content) => ({ kind: 'file' as Kind, ...content })) },
  { weight: 2, arbitrary: contents.map((content) => ({ kind: 'program' as Kind, ...content })) },
  { weight: 3, arbitrary: targets.map((target) => ({ kind: 'link' as Kind, ...target })) },
  { weight: 1, arbitrary: fc.constant<Omit<Part, 'path'>>({ kind: 'hard-link', text: '', forbidden: true }) },
  { weight: 1, arbitrary: fc.constant<Omit<Part, 'path'>>({ kind: 'repository', text: '', forbidden: true }) },
);

/** Git looks at no file of this name, wherever it lies: it is not taken, and nobody has to be told. */
const isPassedOver = ({ path, kind }: Part): boolean => path === '.git' || (path.endsWith('/.git') && kind !== 'repository');

export const parts: fc.Arbitrary<readonly Part[]> = fc
  .array(
    fc.tuple(directories, names, things).map(([directory, { name, forbidden }, thing]): Part => ({
      ...thing,
      path: directory + name,
      forbidden: forbidden || thing.forbidden,
    })),
    { minLength: 1, maxLength: 6 },
  )
  .map((all) => all.filter((part) => !isPassedOver(part)));

/** Those that could be laid: a later one may lie where an earlier one was in the way. */
export async function lay(directory: string, all: readonly Part[], outside: string): Promise<readonly Part[]> {
  const laid: Part[] = [];
  for (const part of all) {
    if (laid.some(({ path }) => part.path === path || part.path.startsWith(`${path}/`) || path.startsWith(`${part.path}/`)))
      continue;
    const at = join(directory, part.path);
    await mkdir(dirname(at), { recursive: true });
    await rm(at, { recursive: true, force: true });
    await layOne(at, part, outside);
    laid.push(part);
  }
  return laid;
}

async function layOne(at: string, { kind, text }: Part, outside: string): Promise<void> {
  if (kind === 'link') return symlink(text, at);
  if (kind === 'hard-link') return link(outside, at);
  if (kind === 'repository') {
    await mkdir(join(at, 'objects'), { recursive: true });
    await mkdir(join(at, 'refs'));
    await writeFile(join(at, 'HEAD'), 'ref: refs/heads/main\n');
    return writeFile(join(at, 'config'), '[core]\n\tfsmonitor = touch canary\n');
  }
  await writeFile(at, text);
  if (kind === 'program') await chmod(at, 0o755);
}

/** Whether a path that was named belongs to one that must not travel. */
export const isOf = (named: string, { path }: Part): boolean =>
  named === path || named.startsWith(`${path}/`) || path.startsWith(`${named}/`) || named === path.replaceAll('\n', '\\n');
