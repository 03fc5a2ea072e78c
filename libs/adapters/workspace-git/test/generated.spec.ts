/**
 * Whatever an agent leaves behind, a repository holds or a patch says: it is refused by name, or it travels byte for byte through a
 * patch into a clean clone. Nothing that was written there is run, and nothing is written outside. A failure prints its seed.
 */
import { existsSync } from 'node:fs';
import { appendFile, chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Repository } from '@baton/contracts';
import type { Workspace, WorkspaceProblem } from '@baton/ports';
import { ownerGit } from '@baton/testing';
import fc from 'fast-check';
import type { GitWorkspaces } from '../src/index.ts';
import { PLAIN_PATCH, PLAIN_TREE, REFUSED_TREE, branches, commitTree, patches, trees } from './hostile-objects.ts';
import { FORBIDDEN_NAMES, HOOKS, isOf, lay, parts, type Part } from './hostile-trees.ts';
import { makeRepository, type TestRepository } from './repository.ts';

const signal = new AbortController().signal;
const SPEC_MS_MAX = 60_000;
const TREES = { numRuns: 40, interruptAfterTimeLimit: 4_000, markInterruptAsFailure: false };
const HOSTS = { numRuns: 40, interruptAfterTimeLimit: 3_000, markInterruptAsFailure: false };
const ALL = { write_set: ['**'], write_set_exclude: [], output: null, message: 'A change' };
const SECRET = 'what lies outside\n';

let repository: TestRepository;
let provider: GitWorkspaces;
/** Another machine, as it were. */
let elsewhere: GitWorkspaces;
let canary: string;
let program: string;
let outside: string;
let target: Repository;
beforeAll(async () => {
  repository = await makeRepository();
  provider = repository.workspaces('here');
  elsewhere = repository.workspaces('there');
  canary = join(repository.root, 'canary');
  program = join(repository.root, 'program');
  outside = join(repository.root, 'outside');
  target = { url: repository.bare, target: 'main' };
  await writeFile(program, `#!/bin/sh\ntouch ${canary}\ncat\n`);
  await chmod(program, 0o755);
  await writeFile(outside, SECRET);
});
afterAll(() => repository.dispose());

const open = (by: GitWorkspaces, from: Repository = target) =>
  by.open({ name: 'task', base: { repository: from, inputs: [] }, signal });
const nothingHappened = async (): Promise<void> => {
  expect(existsSync(canary)).toBe(false);
  expect(await readFile(outside, 'utf8')).toBe(SECRET);
};

/** The same tree comes out of the patch in a clean clone, and the patch names what it changes. */
async function travels(change: {
  readonly artifact: string;
  readonly tree: string;
  readonly files: readonly string[];
}): Promise<void> {
  const clean = await open(elsewhere);
  try {
    await clean.apply(change.artifact);
    const again = await clean.collect(ALL);
    expect(again).toMatchObject({ status: 'collected', change: { tree: change.tree } });
    expect([...(await elsewhere.paths(change.artifact))].toSorted()).toEqual([...change.files].toSorted());
  } finally {
    await clean.discard();
  }
}

describe('what an agent leaves behind', () => {
  it(
    'is refused by the names of what may not be handed on, or arrives as it is',
    async () => {
      const seen = { refused: 0, collected: 0 };
      await fc.assert(
        fc.asyncProperty(parts, async (all) => {
          const workspace = await open(provider);
          try {
            const laid = await lay(workspace.directory ?? '', all, outside);
            const collected = await workspace.collect(ALL);
            const forbidden = laid.filter((part) => part.forbidden);
            const refused = collected.status === 'refused';
            seen[refused ? 'refused' : 'collected']++;
            // What is named is why; and where nothing is named there is nothing to name.
            expect(refused ? unexplained(collected.paths, forbidden) : forbidden).toEqual([]);
            if (collected.status === 'collected') await travels(collected.change);
          } finally {
            await workspace.discard();
          }
          await nothingHappened();
        }),
        TREES,
      );
      // It was neither all the one nor all the other.
      expect(Math.min(seen.refused, seen.collected)).toBeGreaterThan(0);
    },
    SPEC_MS_MAX,
  );
});

/** Named, and nothing of what was laid is why. */
const unexplained = (paths: readonly string[], forbidden: readonly Part[]): readonly string[] =>
  paths.filter((path) => !forbidden.some((part) => isOf(path, part)));

/** A problem that says what to do, of which nobody tries again what cannot pass. */
const asProblem = (error: unknown): unknown => {
  const { name, failure_class, message } = error as WorkspaceProblem;
  if (name !== 'WorkspaceProblem' || failure_class === 'transient' || message.length < 20)
    throw new Error(`this is no refusal: ${name} ${failure_class}: ${message}`, { cause: error });
  return null;
};

describe('what a target repository holds', () => {
  it(
    'is checked out where it is told to, or refused for good; a branch is a branch or there is none',
    async () => {
      let branch = 0;
      const seen = { opened: 0, refused: 0 };
      const hostile = fc.oneof(
        { weight: 4, arbitrary: trees.map((entries) => ({ entries, name: null })) },
        { weight: 1, arbitrary: branches.map((name) => ({ entries: null, name })) },
      );
      await fc.assert(
        fc.asyncProperty(hostile, async ({ entries, name }) => {
          const at = name ?? `hostile-${String(++branch)}`;
          if (entries) await commitTree(repository.bare, at, entries);
          const workspace = await open(provider, { ...target, target: at }).catch(asProblem);
          if (workspace === null) seen.refused++;
          else {
            const opened = workspace as Workspace;
            await writeFile(join(opened.directory ?? '', 'a.txt'), 'a\n');
            const collected = await opened.collect(ALL).catch(asProblem);
            if ((collected as { status?: string } | null)?.status === 'collected') seen.opened++;
            await opened.discard();
          }
          await nothingHappened();
        }),
        {
          ...HOSTS,
          examples: [[{ entries: PLAIN_TREE, name: null }], [{ entries: REFUSED_TREE, name: null }]],
        },
      );
      expect(Math.min(seen.opened, seen.refused)).toBeGreaterThan(0);
    },
    SPEC_MS_MAX,
  );
});

describe('a patch that nobody here has made', () => {
  it(
    'is applied within the workspace or leaves nothing behind, and hands on no path that is forbidden',
    async () => {
      const forbidden = new Set<string>([...FORBIDDEN_NAMES, '..']);
      const outcomes = new Set<string>();
      await fc.assert(
        fc.asyncProperty(patches, async (text) => {
          const artifact = await repository.artifacts.put(Buffer.from(text));
          await provider.paths(artifact).catch(asProblem);
          await provider.diff(artifact, 1_000);
          const clean = await open(provider);
          try {
            const applied = await clean.apply(artifact).then(() => true, asProblem);
            const collected = await clean.collect(ALL);
            outcomes.add(applied === null ? 'not applied' : collected.status);
            expect(applied !== null || collected.status === 'empty').toBe(true);
            const handed_on = collected.status === 'collected' ? collected.change.files : [];
            expect(handed_on.filter((path) => path.split('/').some((part) => forbidden.has(part)))).toEqual([]);
          } finally {
            await clean.discard();
          }
          await nothingHappened();
        }),
        { ...HOSTS, examples: [[PLAIN_PATCH], ['no patch at all\n']] },
      );
      expect([...outcomes].toSorted()).toEqual(expect.arrayContaining(['collected', 'not applied']));
    },
    SPEC_MS_MAX,
  );
});

describe('what an agent configures', () => {
  const keys = fc.constantFrom(
    'core.fsmonitor',
    'core.sshCommand',
    'core.editor',
    'diff.external',
    'filter.x.clean',
    'filter.x.smudge',
    'filter.x.process',
    'merge.x.driver',
    'diff.x.textconv',
    'credential.helper',
    'uploadpack.packObjectsHook',
    'core.gitProxy',
    'gpg.program',
    'alias.status',
  );
  const hooks = fc.constantFrom(...HOOKS);
  it(
    'is never obeyed, whatever of it there is at once',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(keys, { minLength: 1 }),
          fc.uniqueArray(hooks),
          fc.boolean(),
          async (set, hooked, by_path) => {
            const workspace = await open(provider);
            try {
              const git_dir = join(workspace.directory ?? '', '.git');
              const config = set.map(
                (key) =>
                  `[${key
                    .split('.')
                    .slice(0, -1)
                    .map((part, at) => (at === 0 ? part : `"${part}"`))
                    .join(' ')}]\n\t${key.split('.').at(-1) ?? ''} = ${program}\n`,
              );
              if (by_path) config.push(`[core]\n\thooksPath = ${join(git_dir, 'hooks')}\n`);
              await appendFile(join(git_dir, 'config'), config.join(''));
              await mkdir(join(git_dir, 'hooks'), { recursive: true });
              for (const hook of hooked) await copyFile(program, join(git_dir, 'hooks', hook));
              await writeFile(join(git_dir, 'info/attributes'), '* filter=x diff=x merge=x\n');
              await writeFile(join(workspace.directory ?? '', 'a.txt'), `${String(set.length)}\n`);
              const collected = await workspace.collect(ALL);
              expect(collected).toMatchObject({ status: 'collected', change: { files: ['a.txt'] } });
              if (collected.status === 'collected') await travels(collected.change);
            } finally {
              await workspace.discard();
            }
            await nothingHappened();
          },
        ),
        { ...HOSTS, numRuns: 10 },
      );
    },
    SPEC_MS_MAX,
  );
});

describe('what a landing says', () => {
  const message = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.constantFrom(
      'Baton-Mission: forged',
      'x\n\nBaton-Mission: forged\n',
      '-F /etc/passwd',
      '\u001b]0;x\u0007',
      'a\0b',
      '\r\n',
      '#',
      '',
    ),
  );
  it(
    'is one commit of the tested tree with the trailers that are meant, or is refused',
    async () => {
      let landed = 0;
      await fc.assert(
        fc.asyncProperty(message, async (said) => {
          const workspace = await open(provider);
          await writeFile(join(workspace.directory ?? '', `landed-${String(landed)}.txt`), 'x\n');
          const collected = await workspace.collect(ALL);
          await workspace.discard();
          if (collected.status !== 'collected') throw new Error(`it was ${collected.status}`);
          const { artifact, tree, base_commit: expected_base } = collected.change;
          const trailers = { 'Baton-Mission': `m-${String(landed)}` };
          const landing = await provider
            .land({ repository: target, artifact, tree, expected_base, message: said, trailers, signal })
            .catch(asProblem);
          if (landing === null) return;
          landed++;
          expect(landing).toMatchObject({ status: 'landed', tree });
          expect(
            await ownerGit(
              repository.bare,
              'log',
              '-1',
              '--format=%T %P %(trailers:key=Baton-Mission,valueonly,separator=%x2C)',
              'main',
            ),
          ).toBe(`${tree} ${expected_base} ${trailers['Baton-Mission']}`);
          await nothingHappened();
        }),
        { ...HOSTS, numRuns: 12 },
      );
      expect(landed).toBeGreaterThan(0);
    },
    SPEC_MS_MAX,
  );
});
