/** Trees that no git would make, patches that no git would write, names of branches that are something else: what others may hand to us. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fc from 'fast-check';
import { ownerGit } from '@baton/testing';
import { FORBIDDEN_NAMES } from './hostile-trees.ts';

const MODES = ['100644', '100755', '120000', '160000', '40000', '100666', '140000', '0'] as const;
const ENTRY_NAMES = [...FORBIDDEN_NAMES, '..', '.', 'a/b', '.git/hooks', '../outside', '', 'fine', '-rf', 'fine'] as const;
const BLOBS = [
  '',
  '* filter=evil diff=evil merge=evil\n',
  '[submodule "x"]\n\tpath = fine\n\turl = ext::sh -c touch% canary\n\tupdate = !touch canary\n',
  '[submodule "--upload-pack=touch canary"]\n\tpath = -rf\n\turl = --upload-pack=touch canary\n',
  '[core]\n\tfsmonitor = touch canary\n',
  '../../../../outside',
  '/etc/passwd',
  '.git/hooks/pre-commit',
] as const;

export interface Entry {
  readonly mode: string;
  readonly name: string;
  readonly blob: string;
}

export const trees: fc.Arbitrary<readonly Entry[]> = fc.uniqueArray(
  fc.record({
    mode: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('100644', '40000') },
      { weight: 1, arbitrary: fc.constantFrom(...MODES) },
    ),
    name: fc.constantFrom(...ENTRY_NAMES),
    blob: fc.constantFrom(...BLOBS),
  }),
  { minLength: 1, maxLength: 4, selector: ({ name }) => name },
);

/** A commit with exactly these entries, in the order given, on a branch of this name. */
export async function commitTree(bare: string, branch: string, entries: readonly Entry[]): Promise<void> {
  const hook = await object(bare, 'blob', Buffer.from('#!/bin/sh\ntouch canary\n'));
  const below = await object(bare, 'tree', rawTree([['100755', 'pre-commit', hook]]));
  const raw: [string, string, string][] = [];
  for (const { mode, name, blob } of entries)
    raw.push([
      mode,
      name,
      mode === '40000' ? below : mode === '160000' ? '1'.repeat(40) : await object(bare, 'blob', Buffer.from(blob)),
    ]);
  const tree = await object(bare, 'tree', rawTree(raw));
  const commit = `tree ${tree}\nauthor A <a@b> 0 +0000\ncommitter A <a@b> 0 +0000\n\nhostile\n`;
  await ownerGit(bare, 'update-ref', `refs/heads/${branch}`, await object(bare, 'commit', Buffer.from(commit)));
}

const rawTree = (entries: readonly (readonly [mode: string, name: string, id: string])[]): Buffer =>
  Buffer.concat(entries.flatMap(([mode, name, id]) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]));

/** Kept as it is, whatever git thinks of it. */
async function object(bare: string, type: string, content: Buffer): Promise<string> {
  const child = spawn('git', ['hash-object', '-t', type, '-w', '--stdin', '--literally'], {
    cwd: bare,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(content);
  let said = '';
  child.stdout.on('data', (chunk) => (said += String(chunk)));
  await once(child, 'close');
  return said.trim();
}

const PATCH_PATHS = [
  ...FORBIDDEN_NAMES.filter((name) => !/[\n\\]/.test(name)),
  '../outside',
  'a/../../outside',
  '/tmp/outside',
  '.git/hooks/pre-commit',
  'src/../../outside',
  'fine',
  'link/through',
  'README.md',
] as const;
const pathIn = fc.constantFrom(...PATCH_PATHS);
const modeIn = fc.constantFrom('100644', '100755', '120000', '160000', '100777', '040000', '999999', '-1');

const added = (path: string, mode: string, text: string): string =>
  `diff --git a/${path} b/${path}\nnew file mode ${mode}\nindex 0000000..1111111\n--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n+${text}\n\\ No newline at end of file\n`;
/** Nothing is wrong with this patch, nor with this tree. */
export const PLAIN_PATCH = added('fine', '100644', 'x');
export const PLAIN_TREE: readonly Entry[] = [{ mode: '100644', name: 'fine', blob: 'x' }];
/** Git itself refuses it. */
export const REFUSED_TREE: readonly Entry[] = [{ mode: '100644', name: '.git', blob: 'x' }];

const sections = fc.oneof(
  fc.constant(PLAIN_PATCH),
  fc
    .tuple(pathIn, modeIn, fc.constantFrom('x', '../../../../outside', '.git', '/'))
    .map(([path, mode, text]) => added(path, mode, text)),
  fc
    .tuple(pathIn, pathIn)
    .map(([from, to]) => `diff --git a/${from} b/${to}\nsimilarity index 100%\nrename from ${from}\nrename to ${to}\n`),
  fc
    .tuple(pathIn, pathIn)
    .map(([from, to]) => `diff --git a/${from} b/${to}\nsimilarity index 100%\ncopy from ${from}\ncopy to ${to}\n`),
  pathIn.map((path) => `diff --git a/${path} b/${path}\ndeleted file mode 100644\nindex 1111111..0000000\n`),
  fc.tuple(pathIn, modeIn).map(([path, mode]) => `diff --git a/${path} b/${path}\nold mode 100644\nnew mode ${mode}\n`),
  fc
    .tuple(pathIn, fc.string({ maxLength: 60 }))
    .map(
      ([path, bytes]) =>
        `diff --git a/${path} b/${path}\nnew file mode 100644\nindex ${'0'.repeat(40)}..${'1'.repeat(40)}\nGIT binary patch\nliteral 4294967295\n${bytes}\n\n`,
    ),
  fc.constant(`--- a/README.md\n+++ b/README.md\n@@ -1,99999999 +1,99999999 @@\n-A project\n`),
  fc.constant(added('link', '120000', '../../../..') + added('link/through', '100644', 'written outside')),
  fc.string({ unit: 'binary', maxLength: 200 }),
);
export const patches: fc.Arbitrary<string> = fc.array(sections, { minLength: 1, maxLength: 2 }).map((all) => all.join(''));

export const branches: fc.Arbitrary<string> = fc.constantFrom(
  '--upload-pack=touch canary',
  '-x',
  'a b',
  'a..b',
  'a~1',
  '^x',
  'a:b',
  'x:refs/heads/main',
  'refs/heads/main',
  '@{-1}',
  '@',
  '*',
  '',
  'x.lock',
  '.x',
  '/x',
  'x/',
  'x\\y',
  '\u001b[31m',
  'main\n',
  'HEAD',
  'ext::sh -c touch% canary',
  'no-such-branch',
);
