/**
 * Whatever an agent leaves behind, a repository holds or a patch says: it is refused by name, or it travels byte for byte through a
 * patch into a clean clone. Nothing that was written there is run, and nothing is written outside. A failure prints its seed.
 */
import { existsSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Repository } from '@baton/contracts';
import fc from 'fast-check';
import type { GitWorkspaces } from '../src/index.ts';
import { isOf, lay, parts, type Part } from './hostile-trees.ts';
import { makeRepository, type TestRepository } from './repository.ts';

const signal = new AbortController().signal;
const SPEC_MS_MAX = 60_000;
const TREES = { numRuns: 40, interruptAfterTimeLimit: 9_000, markInterruptAsFailure: false };
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
            if (collected.status === 'refused') {
              seen.refused++;
              expect(unexplained(collected.paths, forbidden)).toEqual([]);
            } else {
              expect(forbidden.map(({ path, kind, text }) => ({ path, kind, text }))).toEqual([]);
              if (collected.status === 'collected') await travels(collected.change);
              seen.collected++;
            }
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
